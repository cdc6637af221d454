use super::Template;
use serde_json::{Value, json};

fn pods() -> Value {
    json!({"kind": "List", "items": [
        {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
         "status": {"capacity": {"cpu": "4"}, "ready": true, "addresses": [{"type": "LegacyHostIP", "address": "127.0.0.1"}]}},
        {"kind": "None", "metadata": {"name": "127.0.0.2", "labels": {"kubernetes.io/hostname": "127.0.0.2"}},
         "status": {"capacity": {"cpu": "8"}, "ready": false, "addresses": [
            {"type": "LegacyHostIP", "address": "127.0.0.2"}, {"type": "another", "address": "127.0.0.3"}]}}],
     "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
     "list": [10, 20, 30, 40], "nil": null, "big": 5, "float": 1.5, "html": {"a": "<b>"}})
}

#[track_caller]
fn check(template: &str, want: &str) {
    let printed = Template::new(template).and_then(|template| template.print(&pods(), true));
    assert_eq!(printed.as_deref(), Ok(want), "{template}");
}

#[track_caller]
fn refused(template: &str, want: &str) {
    let message = match Template::new(template) {
        Ok(template) => template.find(&pods()).expect_err("this template should be refused"),
        Err(message) => message,
    };
    assert_eq!(message, want, "{template}");
}

#[test]
fn fields_lists_and_text() {
    check("kind is {.kind}", "kind is List");
    check("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2");
    check("{.items[*]['metadata.name', 'status.capacity.cpu']}", "127.0.0.1 127.0.0.2 4 8");
    check("{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1");
    check("{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "127.0.0.1");
    check("{..name}", "127.0.0.1 127.0.0.2 myself e2e");
    check("{.items[*].status.capacity}", r#"{"cpu":"4"} {"cpu":"8"}"#);
    check("{.html}", r#"{"a":"\u003cb\u003e"}"#);
    check("{.nil}{.missing}{.big} {.float}", "null5 1.5");
    check("{'a'}{\"b\\tc\\u0041\"}", "ab\tcA");
    check("{.users[1].user.*}", "secret admin");
    check("{$.kind}{@.kind}", "ListList");
    check("plain", "plain");
}

#[test]
fn slices() {
    check("{.list[0]} {.list[-1]} {.list[-2:]} {.list[1:3]} {.list[:2]}", "10 40 30 40 20 30 10 20");
    check("{.list[::2]}|{.list[1::2]}|{.list[2:2]}|{.list[0,3]}", "10 30|20 40||10 40");
    check("{.list[*]}", "10 20 30 40");
    refused("{.list[4]}", "array index out of bounds: index 4, length 4");
    refused("{.list[1:6]}", "array index out of bounds: index 5, length 4");
    refused("{.list[3:1]}", "starting index 3 is greater than ending index 1");
    refused("{.list[0:2:0]}", "step must be > 0");
    refused("{.kind[0]}", "string is not array or slice");
}

#[test]
fn filters() {
    check("{.users[?(@.name==\"e2e\")].user.password}", "secret");
    check("{.users[?(@.name!='e2e')].name}", "myself");
    check("{.users[?(@.user.username)].name}", "e2e");
    check("{.list[?(@>20)]}", "30 40");
    check("{.list[?(@<=20)]}", "10 20");
    check("{.items[?(@.status.ready==true)].metadata.name}", "127.0.0.1");
    check("{.items[*].status.addresses[?(@.type=='another')].address}", "127.0.0.3");
    check("{.items[?(@.metadata.name==\"a)b\")].kind}", "");
    refused("{.list[?(@==\"10\")]}", "incompatible types for comparison");
    refused("{.users[?(@.user==1)]}", "invalid type for comparison");
    refused("{.users[?(@.name=\"x\")]}", "unrecognized filter operator =");
    refused("{.html[?(@.a)]}", "map[a:<b>] is not array or slice and cannot be filtered");
}

#[test]
fn ranges() {
    check("{range .items[*]}{.metadata.name}{\"\\n\"}{end}", "127.0.0.1\n127.0.0.2\n");
    check(
        "{range .items[*]}[{.metadata.name}:{range .status.addresses[*]}{.address} {end}]{end}!",
        "[127.0.0.1:127.0.0.1 ][127.0.0.2:127.0.0.2 127.0.0.3 ]!",
    );
    check("a{range .none[*]}{.x}{end}b", "ab");
    check("{range .items[*]}{range .none[*]}{.x}{end}{.kind}{end}", "NoneNone");
    check(
        "{range .items[*]}{.metadata.name}, {end}{range .users[*]}{.name};{end}",
        "127.0.0.1, 127.0.0.2, myself;e2e;",
    );
    refused("{end}", "not in range, nothing to end");
    refused("{foo}", "unrecognized identifier foo");
}

#[test]
fn bad_templates() {
    refused("{.a", "unclosed action");
    refused("{.a[", "unterminated array");
    refused("{.a[x]}", "invalid array index x");
    refused("{.a[?(.b]}", "unterminated filter");
    refused("{.a[?(.b)}", "unclosed array expect ]");
    refused("{\"a}", "unterminated quoted string");
    refused("{(}", "unrecognized character in action: U+0028 '('");
    refused("{....a}", "invalid multiple recursive descent");
    refused("{1.2.3}", "cannot parse number 1.2.3");
}

#[test]
fn a_failing_template_shows_the_object() {
    let message = Template::new("{.a[3]}").unwrap().print(&json!({"a": [1]}), true).unwrap_err();
    assert_eq!(
        message,
        "error executing jsonpath \"{.a[3]}\": Error executing template: array index out of bounds: index 3, length 1. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{.a[3]}\n\tobject given to jsonpath engine was:\n\t\tmap[string]interface {}{\"a\":[]interface {}{1}}\n\n\n"
    );
    let strict = Template::new("{.b}").unwrap().print(&json!({}), false).unwrap_err();
    assert!(strict.contains("Error executing template: b is not found."), "{strict}");
    assert_eq!(
        Template::new("{.a[*]}").unwrap().print_json(&json!({"a": ["x", 1]}), true).unwrap(),
        "[\n    \"x\",\n    1\n]\n"
    );
}
