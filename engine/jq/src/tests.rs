//! jq's options, output, errors and bounds, against what jq 1.7 prints.

use super::run;

fn jq(args: &[&str], stdin: &str) -> (i32, String) {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let out = run(&args, stdin);
    (out.exit, out.stdout + &out.stderr)
}

#[test]
fn table() {
    let rows: [(&[&str], &str, i32, &str); 31] = [
        (&["."], "{\"b\":1,\"a\":[1,{}]}", 0, "{\n  \"b\": 1,\n  \"a\": [\n    1,\n    {}\n  ]\n}\n"),
        (&["-c", "."], "{\"b\": 1.0, \"a\": []}", 0, "{\"b\":1.0,\"a\":[]}\n"),
        (&["-cS", "."], "{\"b\":1,\"a\":2}", 0, "{\"a\":2,\"b\":1}\n"),
        (&["-r", ".[]"], "[\"a\",\"b\"]", 0, "a\nb\n"),
        (&["-j", ".[]"], "[\"a\",1]", 0, "a1"),
        (&["-n", "1+1"], "", 0, "2\n"),
        (&["-s", "length"], "1 2 3", 0, "3\n"),
        (&["-R", "length"], "ab\nc\n", 0, "2\n1\n"),
        (&["-e", ".a"], "{\"a\":false}", 1, "false\n"),
        (&["--arg", "x", "1", "$x"], "0", 0, "\"1\"\n"),
        (&["--argjson", "x", "{\"a\":1}", "-c", "$x"], "0", 0, "{\"a\":1}\n"),
        (&["--tab", "."], "[1]", 0, "[\n\t1\n]\n"),
        (&["--indent", "1", "."], "[1]", 0, "[\n 1\n]\n"),
        (&["-r", "[.a,.b]|@tsv"], "{\"a\":\"x\\ty\",\"b\":null}", 0, "x\\ty\t\n"),
        (&["-r", "@csv"], "[1,\"a\\\"b\"]", 0, "1,\"a\"\"b\"\n"),
        (&["-r", "@sh"], "[\"a'b\"]", 0, "'a'\\''b'\n"),
        (&["-r", "@base64"], "\"ab\"", 0, "YWI=\n"),
        (&["-c", "group_by(.n)|map(length)"], "[{\"n\":2},{\"n\":1},{\"n\":2}]", 0, "[1,2]\n"),
        (&["-r", "\"\\(length)\\t\\(.[0])\""], "[7,8]", 0, "2\t7\n"),
        (&[".spec.ports[]?.hostPort"], "{\"spec\":{}}", 0, ""),
        (&["-c", "[limit(3; range(10))]"], "null", 0, "[0,1,2]\n"),
        (&["-c", "[range(0; 10; 3), range(3; 0; -2)]"], "null", 0, "[0,3,6,9,3,1]\n"),
        (&["-c", "[.[] | select(. as $x | [1, 3] | index($x))]"], "[1,2,3]", 0, "[1,3]\n"),
        (&["-n", "[inputs]|add"], "1 2 3", 0, "6\n"),
        (&["-a", "."], "\"é\"", 0, "\"\\u00e9\"\n"),
        (&[".a[]"], "{\"a\":null}\n", 5, "jq: error (at <stdin>:1): Cannot iterate over null (null)\n"),
        (&[".a.b"], "{\"a\":\"x\"}", 5, "jq: error (at <stdin>:0): Cannot index string with \"b\"\n"),
        (
            &[".a + 1"],
            "{\"a\":\"abcdefghijklmn\"}\n",
            5,
            "jq: error (at <stdin>:1): string (\"abcdefghi...) and number (1) cannot be added\n",
        ),
        (&["foo"], "1", 3, "jq: error: foo/0 is not defined at <top-level>, line 1:\nfoo\njq: 1 compile error\n"),
        (&["error(\"x\")"], "1\n", 5, "jq: error (at <stdin>:1): x\n"),
        (&["--slurpfile", "a", "b", "."], "1", 2, "portlab does not model option --slurpfile of jq\n"),
    ];
    for (args, stdin, exit, output) in rows {
        assert_eq!(jq(args, stdin), (exit, output.to_owned()), "jq {args:?}");
    }
}

#[test]
fn nothing_runs_for_ever() {
    let filters = [
        "def f: f; f",
        "def f: 1 + f; f",
        "def f: f | f; f",
        "def f: f?, f; f",
        "[repeat(1)]",
        "[recurse(. + 1)]",
        "[range(infinite)] | length",
        "last(range(1; infinite))",
        "until(false; . + 1)",
        "[limit(1000000000; repeat(1))]",
        "reduce range(infinite) as $x (0; . + $x)",
        "first(range(infinite) | select(. < 0))",
        ". as {a: (def g: g; g)} | 1",
        "\"\\(def g: g; g)\"",
        ".[(def g: g; g)]",
    ];
    for filter in filters {
        let (exit, output) = jq(&["-n", filter], "");
        assert!(exit != 0 || output.is_empty(), "{filter}: {output}");
        assert!(output.len() < 300, "{filter}: {output}");
    }
    let (exit, output) = jq(&["-n", "repeat(\"0123456789\" * 1000)"], "");
    assert_eq!(exit, 2);
    assert!(output.ends_with("bytes of output; the lab stops here\n"));
    let deep = "[".repeat(100_000);
    assert_eq!(jq(&["."], &deep).0, 2);
    assert_eq!(jq(&[&deep], "1").0, 2);
}

#[test]
fn a_filter_that_does_not_parse_says_where() {
    let rows = [
        (
            ".a[",
            "jq: error: syntax error, unexpected end of the filter (Unix shell quoting issues?) at <top-level>, line 1:\n.a[\njq: 1 compile error\n",
        ),
        (".a }", "jq: error: syntax error, unexpected `}` at <top-level>, line 1:\n.a }\njq: 1 compile error\n"),
    ];
    for (filter, output) in rows {
        assert_eq!(jq(&[filter], "1"), (3, output.to_owned()), "{filter}");
    }
}
