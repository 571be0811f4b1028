//! The description against the table of routes.

use std::collections::BTreeSet;

use super::*;

fn read(prefix: &str) -> Value {
    let answer = Swagger::new(prefix).answer(Route::SwaggerJson, "/swagger.json");
    assert_eq!((answer.status, answer.error), (StatusCode::OK, None));
    assert_eq!(answer.headers["content-type"], "application/json");
    serde_json::from_slice(&answer.body).unwrap()
}

/// A path that the template stands for.
fn example(template: &str) -> String {
    template.replace("{codes}", "200").replace("{time}", "1").replace(['{', '}'], "")
}

#[test]
fn every_path_and_method_is_documented_if_and_only_if_it_is_taken() {
    let document = read("");
    let paths = document["paths"].as_object().unwrap();
    let mut seen = BTreeSet::new();
    for route in Route::ALL {
        let templates = words::of(route).paths;
        assert!(!templates.is_empty(), "{route:?}");
        for template in templates {
            assert_eq!(Route::of(&example(template)), Some(route), "{template}");
            assert!(seen.insert(*template), "{template} is documented twice");
            let operations = paths[*template].as_object().unwrap();
            for method in METHODS {
                let is_documented = operations.contains_key(&method.to_lowercase());
                assert_eq!(is_documented, route.takes(method), "{method} {template}");
            }
            assert!(operations.keys().all(|key| METHODS.iter().any(|method| method.eq_ignore_ascii_case(key))));
        }
    }
    assert_eq!(paths.len(), seen.len());
}

#[test]
fn every_operation_is_whole() {
    let document = read("/foo");
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let named: BTreeSet<_> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        for (method, operation) in operations.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}: id");
            assert!(operation["summary"].as_str().is_some_and(|summary| summary.ends_with('.')), "{what}");
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let declared: BTreeSet<_> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert_eq!(declared, named, "{what}");
            let responses = operation["responses"].as_object().unwrap();
            let codes = responses.keys().filter_map(|code| code.parse::<u16>().ok());
            let can_go_well = path != "/ws/echo" || method == "get";
            assert_eq!(codes.filter(|code| *code < 400).count(), usize::from(can_go_well), "{what}");
            for (code, response) in responses {
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{what}: {code}");
            }
            let route = Route::of(&example(path)).unwrap();
            assert_eq!(responses.contains_key("default"), !route.is_spared(), "{what}");
        }
    }
}

#[test]
fn the_errors_that_we_give_are_there() {
    let document = read("");
    for (method, path, codes) in [
        ("post", "/store", &["202", "400", "413", "500", "507", "default"][..]),
        ("get", "/store/{hash}", &["202", "400", "404", "500", "default"]),
        ("get", "/cache/{key}", &["200", "400", "404", "500", "503", "default"]),
        ("put", "/cache/{key}", &["202", "400", "413", "500", "503", "default"]),
        ("delete", "/cache/{key}", &["202", "400", "500", "503", "default"]),
        ("get", "/token/validate", &["200", "400", "401", "default"]),
        ("get", "/ws/echo", &["101", "400", "403", "default"]),
        ("post", "/ws/echo", &["400", "405", "default"]),
        ("get", "/healthz", &["200", "503"]),
        ("post", "/readyz/enable", &["202"]),
    ] {
        let responses = document["paths"][path][method]["responses"].as_object().unwrap();
        assert_eq!(responses.keys().collect::<Vec<_>>(), codes, "{method} {path}");
    }
    let schema = &document["paths"]["/store/{hash}"]["get"]["responses"]["404"]["schema"]["$ref"];
    assert_eq!(schema, "#/definitions/Error");
    assert!(document["paths"]["/cache/{key}"]["get"]["responses"]["404"].get("schema").is_none());
}

#[test]
fn the_prefix_is_the_base() {
    for (prefix, base) in [("", "/"), ("/", "/"), ("/foo", "/foo"), ("/foo/bar", "/foo/bar")] {
        let document = read(prefix);
        assert_eq!((&document["swagger"], &document["basePath"]), (&json!("2.0"), &json!(base)));
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn the_page_needs_nothing_else() {
    let swagger = Swagger::new("/a<b");
    for path in ["/swagger/", "/swagger/index.html"] {
        let page = swagger.answer(Route::Swagger, path);
        assert_eq!((page.status, page.error), (StatusCode::OK, None));
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers["content-security-policy"], "default-src 'none'; style-src 'unsafe-inline'");
        let text = std::str::from_utf8(&page.body).unwrap();
        assert!(!text.contains("://") && !text.contains("<script"), "{text}");
        assert!(text.contains("<code>/a&lt;b/token/validate</code>") && !text.contains("a<b"));
        for route in Route::ALL {
            assert!(words::of(route).paths.iter().all(|path| text.contains(&format!("{path}</code>"))), "{route:?}");
        }
    }
    let document = swagger.answer(Route::Swagger, "/swagger/doc.json");
    assert_eq!(document.body, swagger.answer(Route::SwaggerJson, "/swagger.json").body);
    for path in ["/swagger/x", "/swagger/doc.json/", "/swagger/../etc/passwd"] {
        let unknown = swagger.answer(Route::Swagger, path);
        assert_eq!((unknown.status, unknown.error), (StatusCode::NOT_FOUND, Some(ServerError::BadRequest)));
        assert_eq!(unknown.body, "404 page not found\n");
    }
}
