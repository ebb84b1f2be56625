import Support
import Testing

@testable import APIMachinery

@Suite struct YAMLTests {
    @Test(arguments: [
        ("a: 1", #"{"a":1}"#), ("- a\n- 2", #"["a",2]"#), ("", "null"), ("# nothing", "null"),
        ("a:\n", #"{"a":null}"#),
        ("[yes, No, on, OFF, y, n, true, False]", "[true,false,true,false,true,false,true,false]"),
        ("['yes', \"on\", !!str true]", #"["yes","on","true"]"#), ("[~, null, '']", #"[null,null,""]"#),
        ("[0644, 0o17, 0x1F, 0b101, 1_000, -0x10, +5, 08]", "[420,15,31,5,1000,-16,5,8]"),
        ("[1.5, .5, 1., 1e3, 1.0, -1e-2]", "[1.5,0.5,1,1000,1,-0.01]"),
        ("[1.2.3, 1:30, 2001-01-01, 0x, -, +-1]", #"["1.2.3","1:30","2001-01-01","0x","-","+-1"]"#),
        ("[2001-12-14t21:59:43.10-05:00]", #"["2001-12-14t21:59:43.10-05:00"]"#),
        ("{1: a, true: b, 1.5: c}", #"{"1":"a","1.5":"c","true":"b"}"#),
        ("a: &x {b: 1}\nc: *x", #"{"a":{"b":1},"c":{"b":1}}"#),
        ("a: &x 5\nb: [*x, *x]", #"{"a":5,"b":[5,5]}"#),
        ("d: &d {a: 1, b: 2}\ne:\n  <<: *d\n  b: 3", #"{"d":{"a":1,"b":2},"e":{"a":1,"b":3}}"#),
        ("x: {<<: [{a: 1}, {a: 2, b: 2}], c: 3}", #"{"x":{"a":1,"b":2,"c":3}}"#),
        ("x: {a: 0, <<: {a: 1, b: 2}}", #"{"x":{"a":0,"b":2}}"#), ("'<<': 1", #"{"<<":1}"#),
        (
            "a: |\n  x\n   y\n\n  z\nb: >\n  x\n  y\nc: |-\n  k\n",
            #"{"a":"x\n y\n\nz\n","b":"x y\n","c":"k"}"#
        ),
        ("a: !!binary aGk=", #"{"a":"hi"}"#), ("a: !Ref x", #"{"a":"x"}"#), ("a: !!float 3", #"{"a":3}"#),
        ("18446744073709551615", "1.8446744073709552e+19"), ("é: \"\\u00e9\\n\"", "{\"é\":\"é\\n\"}"),
        (" {\"a\" : [1, {\"b\":null}]} ", #"{"a":[1,{"b":null}]}"#), ("{\"a\": 1, b: 2}", #"{"a":1,"b":2}"#),
    ])
    func `a document reads as Kubernetes reads it`(text: String, json: String) throws {
        #expect(try YAML.document(text).description == json)
    }

    @Test func `a stream has many documents`() throws {
        let text = "---\na: 1\n---\n# empty\n---\n- 2\n...\n---\nb: 3"
        #expect(try YAML.documents(text) == [["a": 1], [2], ["b": 3]])
        #expect(throws: YAMLError(line: 3, reason: "unknown anchor 'x' referenced")) {
            try YAML.documents("a: &x 1\n---\nb: *x")
        }
    }

    @Test(
        arguments: [
            ("a: 1\nb: 2\na: 3", 3, "key \"a\" already set in map"), ("a: [1, 2", 2, nil),
            ("a: b: c", 1, nil),
            ("a: 1\n  b: 2", 2, nil), ("a: *x", 1, "unknown anchor 'x' referenced"),
            ("a: &x [*x]", 1, "anchor 'x' value contains itself"), ("\tx: 1", 1, nil),
            ("a: .inf", 1, "JSON has no number .inf"), ("a: !!int x", 1, "cannot decode \"x\" as a !!int"),
            ("x:\n  <<: 5", 2, "map merge requires map or sequence of maps as the value"),
            ("? [a]\n: 1", 1, "a key must be a text, not array"),
            ("{\"a\":1,\n\"a\":2}", 2, "key \"a\" already set in map"),
        ] as [(String, Int, String?)])
    func `what cannot be read is told with its line`(text: String, line: Int, reason: String?) {
        do {
            _ = try YAML.document(text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.line == line, "\(error)")
            if let reason { #expect(error.reason == reason) }
        }
    }

    @Test func `duplicate keys may be allowed`() throws {
        var limits = YAMLLimits()
        limits.refusesDuplicateKeys = false
        #expect(try YAML.document("a: 1\na: 2", limits: limits) == ["a": 2])
    }

    @Test func `aliases cannot make a document explode, and nesting is bounded`() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let alias = "*a\(level - 1)"
            bomb += "a\(level): &a\(level) [\(Array(repeating: alias, count: 10).joined(separator: ", "))]\n"
        }
        #expect(throws: YAMLError(line: 6, reason: "document contains excessive aliasing")) {
            try YAML.document(bomb)
        }
        #expect(throws: YAMLError.self) { try YAML.document(String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLError.self) { try YAML.document(String(repeating: "- ", count: 600) + "a") }
        var chain = "a0: &a0 [1]\n"
        for level in 1..<600 { chain += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(throws: YAMLError.self) { try YAML.document(chain) }
    }

    @Test(arguments: ["k%: *a", "k%: {*a : 1}", "k%: [*b]", "k%: {<<: *c}"])
    func `aliases of long texts cannot make a document explode`(line: String) throws {
        let long = String(repeating: "x", count: 100_000)
        var text = "a: &a \"\(long)\"\nb: &b [*a]\nc: &c {d: *a}\n"
        for index in 0..<1000 {
            text += line.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\(index)") + "\n"
        }
        do {
            _ = try YAML.document(text)
            Issue.record("accepted \(line)")
        } catch {
            #expect(error.reason == "document contains excessive aliasing")
        }
    }

    @Test func `texts without aliases may be long, and some aliases too`() throws {
        var limits = YAMLLimits()
        limits.aliasedBytes = 100
        let long = String(repeating: "\u{2028}", count: 1000)
        let text = "a: \"\(long.unicodeScalars.map { _ in "\\L" }.joined())\"\nb: &b xxxxxxxxxx\nc: [*b, *b]"
        #expect(try YAML.document(text, limits: limits)["a"]?.string == long)
    }

    @Test(.timeLimit(.minutes(1))) func `many merges into one mapping take no longer than many fields`() throws {
        let text = "a: &a {b: 1}\nc:\n" + String(repeating: "  <<: *a\n", count: 200_000)
        #expect(try YAML.document(text)["c"] == ["b": 1])
    }

    @Test func `a kubeconfig is written as kubectl writes it`() {
        let config: Value = [
            "apiVersion": "v1", "kind": "Config", "preferences": [:], "users": [],
            "clusters": [
                ["name": "default", "cluster": ["server": "https://127.0.0.1:6443", "insecure": false]]
            ],
            "note": "two\nlines\n", "number": "0644", "truth": "yes", "nested": [[1, 2], [["a": .null]]],
            "args": ["--v=2", "a: b", "- x", "it's #1", "", "x:", "#", "2001-01-01", "tab\t", " pad"],
        ]
        #expect(
            YAML.emit(config) == """
                apiVersion: v1
                args:
                - --v=2
                - 'a: b'
                - '- x'
                - 'it''s #1'
                - ""
                - 'x:'
                - '#'
                - "2001-01-01"
                - "tab\\t"
                - ' pad'
                clusters:
                - cluster:
                    insecure: false
                    server: https://127.0.0.1:6443
                  name: default
                kind: Config
                nested:
                - - 1
                  - 2
                - - a: null
                note: |
                  two
                  lines
                number: "0644"
                preferences: {}
                truth: "yes"
                users: []

                """)
    }

    @Test(arguments: UInt64(0)..<300)
    func `what is written reads back the same`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let value = Value.random(depth: 5, using: &random)
        // A document of null is left out of a stream.
        #expect(try YAML.document(YAML.emit(value)).json == value.json)
    }

    @Test(arguments: UInt64(0)..<100)
    func `any text survives as value and as key`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "a", "\n", " ", "\t", ":", "#", "-", "'", "\"", "\\", "{", "]", "&", "*", "!", "|", ">", "%", "@",
            "`", "?", ",",
            "0", "1", ".", "e", "_", "é", "😀", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{0}", "\u{1B}", "\r", "~",
            "yes", "null", "=", "<<", "---",
        ]
        for _ in 0..<20 {
            let count = Int.random(in: 0..<7, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let value: Value = .array([
                .string(text), .object(Fields([(text, .string(text))])), ["k": .string(text)],
            ])
            #expect(try YAML.document(YAML.emit(value)) == value, "\(GoText.quoted(text))")
        }
    }

    @Test func `long keys and long texts survive`() throws {
        let long = String(repeating: "long text ", count: 300) + "end"
        let inner: Value = ["c": .string(long)]
        let value: Value = ["a": ["b": .object(Fields([(long, inner), ("z", 1)]))], "d": [.string(long)]]
        #expect(try YAML.document(YAML.emit(value)) == value)
    }

    @Test(arguments: UInt64(0)..<300)
    func `damaged documents never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Array(YAML.emit(Value.random(depth: 4, using: &random)).utf8)
        for _ in 0..<4 {
            let byte =
                Bool.random(using: &random)
                ? UInt8.random(in: 0...255, using: &random)
                : (Array("&*<:-[{|>'\"\n ".utf8).randomElement(using: &random) ?? 0)
            bytes[Int.random(in: bytes.indices, using: &random)] = byte
        }
        _ = try? YAML.documents(bytes)
    }

    @Test func `what nests deeply is not blanks above all`() throws {
        let many: Value = .array(Array(repeating: 1, count: 10_000))
        let leaf: Value = [
            "a": many, "text": "one\n two\n\u{85}", .init(repeating: "k", count: 2000): [[:], [], ["b": .null]],
        ]
        let deep = (0..<200).reduce(leaf) { inner, level in level.isMultiple(of: 2) ? ["x": inner] : [inner] }
        let text = YAML.emit(deep)
        #expect(text.utf8.count < 100_000)
        #expect(try YAML.document(text) == deep)
    }
}
