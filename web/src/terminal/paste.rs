//! Cutting pasted or typed text into commands: a line with its here-documents, open quotes and trailing backslashes.
//!
//! Models what a shell reads before it runs anything. Leaves out: `if`, `for`, `while` over several lines.

/// Bytes that are taken at most; more is refused with a message.
pub const PASTE_BYTES_MAX: usize = 256 * 1024;
/// Commands that one paste may hold.
pub const COMMANDS_MAX: usize = 200;

/// What a text is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    pub commands: Vec<String>,
    /// The last command is not complete yet; it is not among the commands.
    pub rest: String,
}

/// Cuts a text into complete commands. The last line counts as ended.
#[must_use]
pub fn cut(text: &str) -> Cut {
    let mut out = Cut::default();
    let mut open = String::new();
    for line in text.lines() {
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
        if open.trim().is_empty() {
            open.clear();
        } else if is_complete(&open) {
            out.commands.push(std::mem::take(&mut open));
        }
    }
    out.rest = open;
    out
}

/// Whether a shell would run this rather than ask for more.
#[must_use]
pub fn is_complete(command: &str) -> bool {
    let mut quote: Option<char> = None;
    let mut waiting: Vec<Delimiter> = Vec::new();
    let mut lines = command.split('\n').peekable();
    while let Some(line) = lines.next() {
        let continues = scan(line, &mut quote, &mut waiting);
        if quote.is_some() || continues {
            if lines.peek().is_none() {
                return false;
            }
            continue;
        }
        for delimiter in std::mem::take(&mut waiting) {
            if !lines.by_ref().any(|line| delimiter.ends(line)) {
                return false;
            }
        }
    }
    quote.is_none()
}

/// The word that ends a here-document.
#[derive(Debug)]
struct Delimiter {
    word: String,
    /// `<<-` takes tabs before it.
    tabs: bool,
}

impl Delimiter {
    fn ends(&self, line: &str) -> bool {
        let line = if self.tabs { line.trim_start_matches('\t') } else { line };
        line == self.word
    }
}

/// Reads one line: the quote that stays open, here-documents that begin; whether a backslash ends it.
fn scan(line: &str, quote: &mut Option<char>, waiting: &mut Vec<Delimiter>) -> bool {
    let mut chars = line.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match (*quote, c) {
            (Some(open), c) if c == open => *quote = None,
            (Some('"') | None, '\\') => {
                if chars.next().is_none() {
                    return true;
                }
            }
            (Some(_), _) => {}
            (None, '\'' | '"') => *quote = Some(c),
            (None, '#') if before.is_whitespace() => return false,
            (None, '<') if chars.peek() == Some(&'<') => {
                chars.next();
                if chars.next_if_eq(&'<').is_none() {
                    let tabs = chars.next_if_eq(&'-').is_some();
                    while chars.next_if(|c| *c == ' ').is_some() {}
                    let mut word = String::new();
                    while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"|;&<>".contains(*c)) {
                        if !matches!(c, '\'' | '"' | '\\') {
                            word.push(c);
                        }
                    }
                    waiting.push(Delimiter { word, tabs });
                }
            }
            (None, _) => {}
        }
        before = c;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_run() {
        for (text, complete) in [
            ("kubectl get pods", true),
            ("echo 'a", false),
            ("echo 'a\nb'", true),
            ("echo \"it's\"", true),
            ("kubectl \\", false),
            ("kubectl \\\nget", true),
            ("cat <<END", false),
            ("cat <<END\na\nEND", true),
            ("cat <<'END' | wc -l\n'\nEND", true),
            ("cat <<-END\n\tEND", true),
            ("cat <<< word", true),
            ("echo a # it's a comment", true),
            ("cat <<A <<B\nA\nB", true),
            ("cat <<A <<B\nA", false),
        ] {
            assert_eq!(is_complete(text), complete, "{text:?}");
        }
    }

    #[test]
    fn a_paste_of_several_commands() {
        let cut = cut("kubectl get pods\n\nkubectl apply -f - <<END\nkind: Pod\nEND\necho 'open");
        assert_eq!(cut.commands, ["kubectl get pods", "kubectl apply -f - <<END\nkind: Pod\nEND"]);
        assert_eq!(cut.rest, "echo 'open");
    }
}
