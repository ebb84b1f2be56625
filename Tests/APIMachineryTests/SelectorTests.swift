import Support
import Testing

@testable import APIMachinery

@Suite struct LabelSelectorTests {
    @Test(arguments: [
        ("", ""), ("a=b,c!=d,e in (x,y),f notin (z),g,!h", "a=b,c!=d,e in (x,y),f notin (z),g,!h"),
        ("x in (b , a, b)", "x in (a,b)"), ("b==1,a", "a,b==1"), ("a=", "a="), ("a=,b", "a=,b"),
        ("x in (,a)", "x in (,a)"),
        ("x in (a,,b)", "x in (,a,b)"), ("in in (in)", "in in (in)"), ("notin", "notin"),
        ("a > 5,b<7", "a>5,b<7"),
        ("example.com/a=b", "example.com/a=b"), (" ! a ", "!a"),
    ])
    func `a text reads and prints in canonical form`(text: String, canonical: String) throws {
        let selector = try LabelSelector(text)
        #expect(selector.description == canonical)
        #expect(try LabelSelector(selector.description) == selector)
    }

    @Test(arguments: [
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b,", "found '', expected: identifier after ','"),
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'"),
        ("a in (b,,)", "unable to parse requirement: found ')', expected: ',', or identifier"),
        ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a==(", "unable to parse requirement: found '(', expected: identifier"),
        (
            "a in ()",
            "unable to parse requirement: values: Invalid value: []string{}: for 'in', 'notin' operators, values set "
                + "can't be empty"
        ),
        (
            "-a=b",
            "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric "
                + "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  "
                + "or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ),
        (
            "a=-",
            "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or "
                + "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
                + "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        ),
        (
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be "
                + "an integer"
        ),
    ])
    func `what cannot be read is told in Kubernetes' words`(text: String, message: String) {
        #expect(throws: SelectorError(message)) { try LabelSelector(text) }
    }

    private static let labels: Fields = ["app": "web", "tier": "", "n": "10"]

    @Test(arguments: [
        ("", true), ("app", true), ("!app", false), ("app=web", true), ("app!=web", false),
        ("other!=web", true),
        ("other=web", false), ("app in (a,web)", true), ("app notin (a,web)", false),
        ("other notin (a)", true),
        ("tier=", true), ("n>9", true), ("n>10", false), ("n<11", true), ("app>1", false), ("other<1", false),
        ("app=web,n<5", false), ("!other", true),
    ])
    func `labels match or do not`(text: String, isMatch: Bool) throws {
        #expect(try LabelSelector(text).matches(Self.labels) == isMatch)
    }

    @Test func `the object form reads, and absent is not empty`() throws {
        let object: Value = [
            "matchLabels": ["b": "2", "a": "1"],
            "matchExpressions": [
                ["key": "c", "operator": "In", "values": ["y", "x"]],
                ["key": "d", "operator": "DoesNotExist"],
            ],
        ]
        #expect(try LabelSelector(object: object).description == "a=1,b=2,c in (x,y),!d")
        #expect(try LabelSelector(object: nil).matches([:]) == false)
        #expect(try LabelSelector(object: .emptyObject).matches([:]))
        #expect(throws: SelectorError("\"Gt\" is not a valid label selector operator")) {
            try LabelSelector(object: ["matchExpressions": [["key": "a", "operator": "Gt", "values": ["1"]]]])
        }
    }

    @Test(arguments: UInt64(0)..<300)
    func `no text traps, and what reads prints and reads again`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pieces = [
            "a", "b", "in", "notin", "(", ")", ",", "!", "=", "==", "!=", ">", "<", " ", "1", "-", "\0", "é",
        ]
        for _ in 0..<20 {
            let count = Int.random(in: 0..<8, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            guard let selector = try? LabelSelector(text) else { continue }
            #expect(try LabelSelector(selector.description).description == selector.description)
        }
    }
}

@Suite struct FieldSelectorTests {
    @Test(arguments: [
        ("", ""), ("metadata.name=x,spec.nodeName!=y", "metadata.name=x,spec.nodeName!=y"),
        ("b==1,,a=", "a=,b=1"),
        (#"a=x\,y\=z\\"#, #"a=x\,y\=z\\"#), ("=x", "=x"),
    ])
    func `a text reads and prints`(text: String, canonical: String) throws {
        let selector = try FieldSelector(text)
        #expect(selector.description == canonical)
        #expect(try FieldSelector(canonical) == selector)
    }

    @Test(arguments: [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (#"a=\x"#, #"invalid field selector: invalid escape sequence: \x"#),
        (#"a=b\"#, #"invalid field selector: invalid escape sequence: \"#),
    ])
    func `what cannot be read is told in Kubernetes' words`(text: String, message: String) {
        #expect(throws: SelectorError(message)) { try FieldSelector(text) }
    }

    @Test func `terms match by look-up`() throws {
        let pod = ["metadata.name": "web", "status.phase": "Running"]
        func matches(_ text: String) throws -> Bool { try FieldSelector(text).matches { pod[$0] } }
        #expect(try matches("metadata.name=web,status.phase!=Pending"))
        #expect(try !matches("metadata.name=web,status.phase!=Running"))
        #expect(try matches("spec.nodeName="))
        #expect(try !matches("spec.nodeName!="))
        #expect(try FieldSelector("a!=1,a=2").exactValue(of: "a") == "2")
    }
}

@Suite struct NodeSelectorTests {
    private func matches(_ term: Value) throws -> Bool {
        try NodeSelector(["nodeSelectorTerms": [term]]).matches(
            labels: ["zone": "a", "cpus": "8"], name: "n1")
    }

    @Test func `terms are alternatives and conditions add up`() throws {
        #expect(
            try matches(["matchExpressions": [["key": "zone", "operator": "In", "values": ["a", "b"]]]]))
        #expect(try matches(["matchExpressions": [["key": "cpus", "operator": "Gt", "values": ["4"]]]]))
        #expect(try !matches(["matchExpressions": [["key": "cpus", "operator": "Lt", "values": ["4"]]]]))
        #expect(try matches(["matchFields": [["key": "metadata.name", "operator": "In", "values": ["n1"]]]]))
        #expect(
            try !matches(["matchFields": [["key": "metadata.name", "operator": "NotIn", "values": ["n1"]]]]))
        #expect(try !matches(.emptyObject))
        #expect(try !NodeSelector(.emptyObject).matches(labels: [:], name: ""))
        let either = try NodeSelector([
            "nodeSelectorTerms": [
                ["matchExpressions": [["key": "x", "operator": "Exists"]]],
                ["matchExpressions": [["key": "zone", "operator": "Exists"]]],
            ]
        ])
        #expect(either.matches(labels: ["zone": "a"], name: ""))
    }

    @Test func `wrong operators are refused`() {
        #expect(throws: SelectorError("\"=\" is not a valid node selector operator")) {
            try matches(["matchExpressions": [["key": "a", "operator": "="]]])
        }
        #expect(throws: SelectorError("\"Exists\" is not a valid node field selector operator")) {
            try matches(["matchFields": [["key": "metadata.name", "operator": "Exists"]]])
        }
    }

    @Test func `each cause is said once, of however many`() {
        let causes = (0..<50_000).flatMap { ["cause \($0)", "cause 0"] }
        #expect(SelectorError.joining(causes).description.hasSuffix("cause 49999]"))
        #expect(SelectorError.joining(["a", "b", "a"]) == SelectorError("[a, b]"))
    }
}
