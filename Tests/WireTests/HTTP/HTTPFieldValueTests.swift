import Testing
import Wire

@Suite struct HTTPFieldValueTests {
    @Test(arguments: [
        ("", []), ("a", ["a"]), (" a ,\tb,, c d ", ["a", "b", "c d"]), (" , ", []), ("é,ü", ["é", "ü"]),
    ] as [(String, [String])])
    func `a list has elements without the white space around them`(text: String, elements: [String]) {
        #expect(HTTPFieldValue.list(text) == elements)
    }

    @Test func `a value comes before its parameters`() {
        #expect(HTTPFieldValue.parameters("application/json ; charset=utf-8") == ["application/json", "charset=utf-8"])
    }
}
