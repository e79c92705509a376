//! The document as it was last meant to be.

use cashpoint_bank::bank::Mode;
use cashpoint_host::Mount;

use super::world::World;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi.json");

#[tokio::test]
async fn the_document_is_as_it_was_meant() {
    let world = World::bare(Mode::Sandbox, Mount::OnePort).await;
    let document = pretty(&world.get("/openapi.json").await.body);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(SNAPSHOT, &document).unwrap();
    }
    let meant = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    let differs = document.lines().zip(meant.lines()).position(|(is, meant)| is != meant);
    let differs = differs.or((document.lines().count() != meant.lines().count()).then_some(0));
    if let Some(line) = differs {
        let around = |text: &str| text.lines().skip(line.saturating_sub(3)).take(8).collect::<Vec<_>>().join("\n");
        panic!(
            "the document has changed at line {}; is:\n{}\nwas:\n{}\nif that is meant: UPDATE_SNAPSHOTS=1",
            line + 1,
            around(&document),
            around(&meant)
        );
    }
}

/// Indents JSON without reading its numbers, so that `100.00` stays as it is.
fn pretty(json: &str) -> String {
    let (mut pretty, mut depth, mut inside, mut escaped) =
        (String::with_capacity(json.len() * 2), 0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if inside {
            pretty.push(character);
            inside = character != '"' || escaped;
            escaped = character == '\\' && !escaped;
            continue;
        }
        let line = |pretty: &mut String, depth: usize| {
            pretty.push('\n');
            pretty.push_str(&"  ".repeat(depth));
        };
        match character {
            '"' => {
                inside = true;
                pretty.push('"');
            }
            '{' | '[' => {
                pretty.push(character);
                if matches!(characters.peek(), Some('}' | ']')) {
                    pretty.extend(characters.next());
                } else {
                    depth += 1;
                    line(&mut pretty, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut pretty, depth);
                pretty.push(character);
            }
            ',' => {
                pretty.push(',');
                line(&mut pretty, depth);
            }
            ':' => pretty.push_str(": "),
            other => pretty.push(other),
        }
    }
    pretty.push('\n');
    pretty
}
