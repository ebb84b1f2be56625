import Testing
import Wire

@Suite struct HTTPVersionTests {
    @Test func `a version prints as the request line writes it`() {
        #expect(HTTPVersion.http1_1.description == "HTTP/1.1")
    }
}
