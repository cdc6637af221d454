//! Where the nodes of a document stand in its text.

use std::collections::BTreeMap;

/// A stretch of text. Lines and columns count from 1, columns in characters; the end is just after the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// A node of the document: the place of its key (none for list items and the root), of its value, and what is below.
#[derive(Debug, Clone, Default)]
pub struct Marked {
    pub key: Option<Mark>,
    pub value: Mark,
    pub(super) below: Below,
}

#[derive(Debug, Clone, Default)]
pub(super) enum Below {
    #[default]
    Nothing,
    Fields(BTreeMap<String, Marked>),
    Items(Vec<Marked>),
}

/// The places of all nodes of one document.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    pub(super) root: Marked,
}

impl Marks {
    /// The node at a field path as Kubernetes writes them: `spec.containers[0].ports[0].hostPort`,
    /// `metadata.labels[example.com/a]`, and `metadata.labels.example.com/a` too. The empty path is the root.
    pub fn of(&self, path: &str) -> Option<&Marked> {
        match walk(&self.root, path) {
            (node, "") => Some(node),
            _ => None,
        }
    }

    /// As [`Marks::of`], or the deepest node above that is there: the place to show for a field that is missing.
    pub fn nearest(&self, path: &str) -> &Marked {
        walk(&self.root, path).0
    }
}

/// Goes down as far as the path leads; returns the node and the rest of the path.
fn walk<'a, 'p>(root: &'a Marked, path: &'p str) -> (&'a Marked, &'p str) {
    let (mut node, mut rest) = (root, path);
    while !rest.is_empty() {
        match step(node, rest) {
            Some((below, after)) => (node, rest) = (below, after),
            None => break,
        }
    }
    (node, rest)
}

fn step<'a, 'p>(node: &'a Marked, path: &'p str) -> Option<(&'a Marked, &'p str)> {
    if let Some(inside) = path.strip_prefix('[') {
        let (name, rest) = inside.split_once(']')?;
        let below = match &node.below {
            Below::Items(items) => items.get(name.parse::<usize>().ok()?)?,
            Below::Fields(fields) => fields.get(name.trim_matches('"'))?,
            Below::Nothing => return None,
        };
        return Some((below, rest));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let Below::Fields(fields) = &node.below else { return None };
    // A key may itself hold dots: the longest one that the path continues with.
    let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
    ends.filter_map(|end| Some((fields.get(&path[..end])?, &path[end..]))).next_back()
}
