//! The small grammar against the corners of the real one.

use super::{code_of, paths, shipped_code, test_code};

fn named(code: &str) -> Vec<String> {
    paths(&code_of(code)).into_iter().map(|path| path.segments.join("::")).collect()
}

#[test]
fn paths_are_spelled_out() {
    let table: &[(&str, &[&str])] = &[
        ("use std::fs;", &["std::fs"]),
        ("use tokio;", &["tokio"]),
        (
            "use std::{fs, net::{TcpStream, UdpSocket as U}, time::*};",
            &["std::fs", "std::net::TcpStream", "std::net::UdpSocket", "std::time::*"],
        ),
        ("use std::io::{self, Read};", &["std::io", "std::io::Read"]),
        ("use {std::fs, tokio::net};", &["std::fs", "tokio::net"]),
        ("pub(crate) use crate::a::B;", &["crate::a::B"]),
        ("let x = ::tokio::spawn(y);", &["tokio::spawn"]),
        ("#[derive(Clone, serde::Serialize)] struct S;", &["serde::Serialize"]),
        ("let v = Vec::<u8>::new();", &[]),
        ("fn f(a: std::time::Duration) -> Self { x.y() }", &["std::time::Duration"]),
        ("self::a::b(); super::super::c::d();", &["self::a::b", "super::super::c::d"]),
        ("struct S { a: u8, b: std::net::IpAddr }", &["std::net::IpAddr"]),
        ("match x { A => b::c(), }", &["b::c"]),
    ];
    for (code, expected) in table {
        assert_eq!(named(code), *expected, "{code}");
    }
}

#[test]
fn comments_and_strings_are_no_code() {
    let table = [
        "// std::fs::read",
        "/* std::fs /* nested */ std::net */",
        r##"let a = "std::fs::read";"##,
        r###"let a = r#"a "quoted" std::fs::read"#;"###,
        r#"let a = b"std::fs::read \" std::net::x";"#,
        "let a = '\"'; // std::fs::read",
        r"let a = '\''; // std::fs::read",
    ];
    for code in table {
        assert_eq!(named(code), [""; 0], "{code}");
    }
    assert_eq!(named("fn f<'a>(x: &'a a::B) {}"), ["a::B"], "a lifetime opens no character");
    assert_eq!(named("let r#use = a::b;"), ["a::b"]);
}

#[test]
fn shipped_and_test_code_are_parted() {
    let text = "use a::b;\n#[cfg(test)]\nmod tests {\n    use c::d; // }\n    fn f() { g::h() }\n}\nuse i::j;\n#[cfg(test)]\nuse k::l;\nfn m() { n::o() }\n";
    let shipped: Vec<_> = paths(&shipped_code(text)).into_iter().map(|p| (p.line, p.segments.join("::"))).collect();
    assert_eq!(shipped, [(1, "a::b".into()), (7, "i::j".into()), (10, "n::o".into())]);
    let tested: Vec<_> =
        paths(&test_code("x/src/a.rs", text)).into_iter().map(|p| (p.line, p.segments.join("::"))).collect();
    assert_eq!(tested, [(4, "c::d".into()), (5, "g::h".into()), (9, "k::l".into())]);
    assert_eq!(test_code("x/src/a/tests.rs", "a // b\nc"), "a     \nc");
}
