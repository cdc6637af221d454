//! One-liners, with what mawk and gawk both print for them.

use super::{parse, run};

fn awk(program: &str, separator: &str, input: &str) -> String {
    match parse::program(program) {
        Ok(program) => match run::run(&program, separator, &[], input) {
            Ok((out, 0)) => out,
            Ok((out, exit)) => format!("{out}[exit {exit}]"),
            Err((out, why)) => format!("{out}! {why}"),
        },
        Err(why) => format!("! {why}"),
    }
}

#[test]
fn table() {
    let rows = [
        ("{print $1}", " ", "a b\n c d\n", "a\nc\n"),
        ("{print $NF, NR, NF}", " ", "a b\nc\n", "b 1 2\nc 2 1\n"),
        ("{print $2}", ":", "a:b:c\n", "b\n"),
        ("NR>1", " ", "h\nx\ny\n", "x\ny\n"),
        ("NR==2{print;exit}", " ", "h\nx\ny\n", "x\n"),
        ("/Pending/{print $1\"/\"$2}", " ", "p Pending\nq Running\n", "p/Pending\n"),
        ("!/x/", " ", "x\ny\n", "y\n"),
        ("$3 == \"Running\" && $4 > 0 {n++} END {print n+0}", " ", "a b Running 2\na b Running 10\na b c 3\n", "2\n"),
        ("{s += $1} END {print s, s/NR}", " ", "1\n2\n4\n", "7 2.33333\n"),
        ("{c[$1]++} END {for (k in c) print k, c[k]}", " ", "b\na\nb\n", "a 1\nb 2\n"),
        ("BEGIN {OFS=\"-\"} {$1=$1; print}", " ", "a  b c\n", "a-b-c\n"),
        ("BEGIN {printf \"%-5s|%3d|%.1f\\n\", \"ab\", 7, 2.25}", " ", "", "ab   |  7|2.2\n"),
        ("{print length($1), toupper($1), substr($1, 2, 2)}", " ", "abcd\n", "4 ABCD bc\n"),
        ("{gsub(/a/, \"[&]\"); print}", " ", "banana\n", "b[a]n[a]n[a]\n"),
        ("{n = split($0, p, \"/\"); print p[n]}", " ", "a/b/c\n", "c\n"),
        ("{print $1 ~ /^w/ ? \"yes\" : \"no\"}", " ", "web\napi\n", "yes\nno\n"),
        ("BEGIN {for (i = 1; i <= 3; i++) {if (i == 2) skipped = i; else print i}}", " ", "", "1\n3\n"),
        ("BEGIN {x = 2^3; print x % 3, -x, 7/2, 1e3}", " ", "", "2 -8 3.5 1000\n"),
        ("{print ($1 > 9), (\"10\" < \"9\")}", " ", "10\n", "1 1\n"),
        ("BEGIN {exit 3}", " ", "", "[exit 3]"),
        ("{print $(NF-1)}", " ", "a b c\n", "b\n"),
        ("{print", " ", "", "! syntax error: found the end of the program, expected a value"),
        ("BEGIN {while (1) x++}", " ", "", "! stopped after 1000000 turns or 8388608 bytes of output"),
        ("BEGIN {getline}", " ", "", "! portlab's awk does not model `getline`"),
        ("{print > \"f\"}", " ", "", "! portlab's awk does not model redirection of print"),
        ("BEGIN {print 1/0}", " ", "", "! division by zero"),
    ];
    for (program, separator, input, output) in rows {
        assert_eq!(awk(program, separator, input), output, "awk {program:?}");
    }
    let deep = format!("BEGIN {{print {}1{}}}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(awk(&deep, " ", ""), "! nested deeper than 100");
}
