import Testing

@testable import APIMachinery

@Suite struct JSONTapeTests {
    /// Each node as the text that it covers, and the text that comes after it.
    private static func nodes(_ json: String) -> [String]? {
        let bytes = Array(json.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            guard let nodes = JSONTape(buffer)?.nodes else { return nil }
            let texts = nodes.map { String(decoding: buffer[Int($0.start)..<Int($0.end)], as: UTF8.self) }
            return zip(texts, nodes).map { text, node in
                text + " > " + (Int(node.next) < texts.count ? texts[Int(node.next)] : "end")
            }
        }
    }

    @Test(arguments: [
        ("1", ["1 > end"]), (#""a""#, [#""a" > end"#]), ("{}", ["{} > end"]), ("[]", ["[] > end"]),
        ("[1,-2.5e3,true,null]", ["[1,-2.5e3,true,null] > end", "1 > -2.5e3", "-2.5e3 > true", "true > null", "null > end"]),
        (
            #"{"a":{"b":[1]},"c":"]}\"\\"}"#,
            [
                #"{"a":{"b":[1]},"c":"]}\"\\"} > end"#, #""a" > {"b":[1]}"#, #"{"b":[1]} > "c""#, #""b" > [1]"#,
                #"[1] > "c""#, #"1 > "c""#, #""c" > "]}\"\\""#, #""]}\"\\" > end"#,
            ]
        ),
    ])
    func `each value is followed by what comes after all that is in it`(json: String, nodes: [String]) {
        #expect(Self.nodes(json) == nodes)
    }

    @Test(arguments: ["", "{", "[1", #""a"#, #""a\""#, "]", #"{"a":1}}"#, "1,2", "[],[]"])
    func `what is no whole value has no tape`(json: String) {
        #expect(Self.nodes(json) == nil)
    }
}
