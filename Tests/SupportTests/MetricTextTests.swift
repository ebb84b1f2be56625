import Support
import Testing

@Suite struct MetricTextTests {
    @Test func `samples stand under their help and type, with labels quoted`() {
        var text = MetricText()
        text.begin("requests_total", .counter, "Requests.")
        text.sample("requests_total", [("path", "a\"b\\c\nd"), ("code", "200")], 3)
        text.sample("requests_total", [], 0.25)
        #expect(
            String(decoding: text.bytes, as: UTF8.self) == """
                # HELP requests_total Requests.
                # TYPE requests_total counter
                requests_total{path="a\\"b\\\\c\\nd",code="200"} 3
                requests_total 0.25

                """)
    }
}
