import Support
import Testing

@testable import APIMachinery

@Suite struct ValueTests {
    @Test(arguments: [
        (#"{"b":1,"a":[true,null,-2.5,"x"]}"#, #"{"a":[true,null,-2.5,"x"],"b":1}"#),
        (" [ ] ", "[]"), (#"{"a":1,"a":2}"#, #"{"a":2}"#), ("1e3", "1000"), ("-0", "0"), ("1.0", "1"),
        ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
        (#""\u00e9\ud83d\ude00\n\/""#, "\"é😀\\n/\""), (#""\ud800""#, "\"\u{FFFD}\""),
    ])
    func `a document parses, and encodes in canonical form`(text: String, canonical: String) throws {
        #expect(try Value(json: text).description == canonical)
    }

    @Test(arguments: [
        "", "{", "[1,]", #"{"a"}"#, #"{"a":}"#, #"{a:1}"#, "01", "-", "1.", "1e", "tru", #""\x""#, "\"\n\"", "1 2",
        #"{"a":1,}"#, "1e999", "\"", "[1", #""\u12""#, "nul",
    ])
    func `what is not JSON is refused`(text: String) {
        #expect(throws: JSONError.self) { try Value(json: text) }
    }

    @Test func `nesting is bounded`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError(offset: 512, reason: "exceeded max depth")) { try Value(json: deep) }
    }

    @Test func `duplicate fields are named by their path`() throws {
        var duplicates: [String] = []
        let json = Array(#"{"a":1,"a":{"b":1,"b":2},"spec":[[0],{"x":1},[{"x":1,"y":[],"x":2,"x":3}]]}"#.utf8)
        let value = try Value(json: json, duplicateFields: &duplicates)
        #expect(duplicates == ["a", "a.b", "spec[2][0].x"])
        #expect(value["a"] == ["b": 2])
    }

    @Test(arguments: UInt64(0)..<200)
    func `every tree survives encoding and parsing`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let value = Value.random(depth: 5, using: &random)
        #expect(try Value(json: value.json) == value)
    }

    @Test(arguments: UInt64(0)..<500)
    func `damaged documents never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Value.random(depth: 4, using: &random).json
        for _ in 0..<3  {
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        _ = try? Value(json: bytes)
        _ = try? StoredObject(logged: bytes, revision: 1)
    }

    @Test(arguments: UInt64(0)..<200)
    func `plain text ends at its first quote, backslash or control character`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let signs = Array("\"\\\u{1F}\u{0}".utf8)
        let bytes = (0..<40).map { _ in
            Int.random(in: 0..<16, using: &random) == 0
                ? signs[Int.random(in: 0..<4, using: &random)] : UInt8.random(in: 0x20...0xFF, using: &random)
        }
        for start in 0...bytes.count {
            let end = bytes[start...].firstIndex { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
            let found = bytes.withUnsafeBufferPointer { TextScan.endOfPlainText(from: start, in: $0) }
            #expect(found == end ?? bytes.count, "from \(start) in \(bytes)")
        }
    }

    @Test func `a path sets and removes nested fields`() {
        var value: Value = ["metadata": ["name": "a"]]
        value[path: ["metadata", "labels", "app"]] = "web"
        #expect(value.at("metadata", "labels", "app") == "web")
        value[path: ["metadata", "labels", "app"]] = nil
        value[path: ["spec", "x"]] = nil
        #expect(value == ["metadata": ["labels": [:], "name": "a"]])
    }
}

extension Value {
    /// A random tree; the leaves cover every case and awkward strings.
    static func random(depth: Int, using random: inout SeededRandom) -> Value {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(.random(in: .min ... .max, using: &random))
        case 3: return .double(.random(in: -1e30...1e30, using: &random) + 0.5)
        case 4: return .string(["", "\"", "\\", "\u{0}", "é", "😀", "plain", "a/b"].randomElement(using: &random) ?? "")
        case 5: return .integer(.random(in: -5...5, using: &random))
        case 6:
            let count = Int.random(in: 0..<5, using: &random)
            return .array((0..<count).map { _ in .random(depth: depth - 1, using: &random) })
        default:
            let count = Int.random(in: 0..<6, using: &random)
            return .object(
                Fields(
                    (0..<count).map { _ in
                        ("k\(Int.random(in: 0..<9, using: &random))", .random(depth: depth - 1, using: &random))
                    }))
        }
    }
}
