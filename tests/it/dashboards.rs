//! The dashboards of `dashboards/`: their form, and what a real Prometheus that scraped a real pair says to every expression.
//!
//! The JSON files are the only copy: they are imported by hand and embedded by the chart as they are. An expression is what
//! a panel, an annotation or a variable asks for.

mod asked;
mod form;
mod promql;

use serde_json::Value;

/// A dashboard as it stands in its file.
struct Board {
    /// Its file in `dashboards/`, without the ending.
    name: &'static str,
    text: &'static str,
    json: Value,
    /// What every selector of a series of the injector begins with.
    client: &'static str,
    /// The same for series of the target that the injector's name is in.
    server: &'static str,
}

const SERVER: &str = r#"cluster=~"$cluster",source=~"$source",protocol=~"$protocol",operation=~"$operation""#;

fn boards() -> [Board; 2] {
    let board = |name, text, client| {
        let json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Board { name, text, json, client, server: SERVER }
    };
    [
        board(
            "service-path",
            include_str!("../../dashboards/service-path.json"),
            r#"cluster=~"$cluster",namespace=~"$namespace",source=~"$source",protocol=~"$protocol",operation=~"$operation""#,
        ),
        board(
            "run",
            include_str!("../../dashboards/run.json"),
            concat!(
                r#"cluster=~"$cluster",namespace=~"$namespace",source=~"$source",run=~"$run","#,
                r#"protocol=~"$protocol",operation=~"$operation""#
            ),
        ),
    ]
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asker {
    /// For the value at the end of the time range.
    Instant,
    /// For its course.
    Range,
    Annotation,
    Variable,
}

/// An expression, and who asks for it: `service-path: Title: legend`.
struct Expression {
    what: String,
    text: String,
    asker: Asker,
}

impl Board {
    fn list(&self, pointer: &str) -> &Vec<Value> {
        self.json.pointer(pointer).and_then(Value::as_array).unwrap_or_else(|| panic!("{}: no {pointer}", self.name))
    }

    fn rows(&self) -> Vec<&Value> {
        self.list("/panels").iter().filter(|panel| panel["type"] == "row").collect()
    }

    /// All panels, those in collapsed rows too, and no rows.
    fn panels(&self) -> Vec<&Value> {
        let inside = |panel| -> Vec<&Value> { array(panel, "panels").iter().collect() };
        let all = self.list("/panels").iter().flat_map(|panel| [vec![panel], inside(panel)].concat());
        all.filter(|panel| panel["type"] != "row").collect()
    }

    fn variables(&self) -> &Vec<Value> {
        self.list("/templating/list")
    }

    fn expressions(&self) -> Vec<Expression> {
        let mut found = Vec::new();
        let mut add = |what: String, text: &str, asker| {
            found.push(Expression { what: format!("{}: {what}", self.name), text: text.to_owned(), asker });
        };
        for panel in self.panels() {
            for target in array(panel, "targets") {
                let (title, legend) = (word(panel, "title"), word(target, "legendFormat"));
                let legend = if legend.is_empty() { word(target, "refId") } else { legend };
                let asker = if target["instant"] == true { Asker::Instant } else { Asker::Range };
                add(format!("{title}: {legend}"), word(target, "expr"), asker);
            }
        }
        for annotation in self.list("/annotations/list").iter().filter(|one| one["builtIn"].is_null()) {
            add(format!("annotation {}", word(annotation, "name")), word(annotation, "expr"), Asker::Annotation);
        }
        for variable in self.variables().iter().filter(|one| word(one, "type") == "query") {
            let call =
                word(variable, "definition").strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let (metric, label) = call.and_then(|call| call.rsplit_once(", ")).expect("label_values(metric, label)");
            add(
                format!("variable {}", word(variable, "name")),
                &format!("group by ({label}) ({metric})"),
                Asker::Variable,
            );
        }
        found
    }
}

/// The text of a field; empty if there is none.
fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The items of a field; none if there is no such list.
fn array<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}
