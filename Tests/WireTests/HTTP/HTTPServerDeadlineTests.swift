import NIOCore
import Support
import Synchronization
import Testing

@testable import Wire

@Suite(.timeLimit(.minutes(1))) struct HTTPServerDeadlineTests {
    @Test func `an answer that does not begin in time is given by somebody else`() async throws {
        let text = try await withServer { _, exchange in
            exchange.whenLate(after: .milliseconds(10)) { exchange.respond(.gatewayTimeout) }
        } _: { _, address in
            try await RawClient.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        #expect(text.hasPrefix("HTTP/1.1 504 "))
    }

    @Test func `an answer in time is the only one`() async throws {
        let begun = Latch<HTTPBodyWriter>()
        try await withServer { request, exchange in
            exchange.whenLate(after: .milliseconds(10)) { exchange.respond(.gatewayTimeout) }
            if request.path == "/stream" { begun.set(exchange.startResponse(.ok)) }
        } _: { _, address in
            let request = { (path: String) in "GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" }
            try await RawClient.talk(to: address) { outbound, transcript in
                try await outbound.write(ByteBuffer(string: request("/stream")))
                let writer = await begun.value
                // By the time this one is late, the other would be.
                #expect(try await RawClient.exchange(request("/late"), with: address).hasPrefix("HTTP/1.1 504 "))
                writer.finish()
                try await transcript.readToEnd()
                #expect(transcript.text.hasPrefix("HTTP/1.1 200 "))
                #expect(!transcript.text.contains("504"))
            }
        }
    }

    /// Hears answers.
    private final class Ear: HTTPAnswerObserver {
        let heard = Mutex<[String]>([])
        func answers(_ status: HTTPStatus, _ headers: HTTPHeaders, _ body: [UInt8]?) {
            heard.withLock { $0.append("\(status.code) \(body.map { String(decoding: $0, as: UTF8.self) } ?? "-")") }
        }
    }

    @Test func `a decorated exchange has its headers in every answer, and tells of it`() async throws {
        let ear = Ear()
        let text = try await withServer { request, exchange in
            let exchange = exchange.decorated(with: HTTPDecoration(headers: ["X-A": "1"]))
                .decorated(with: HTTPDecoration(headers: ["X-B": "2"], observer: ear))
            guard request.path == "/stream" else { return exchange.respond(.ok, ["X-C": "3"], Array("hi".utf8)) }
            exchange.startResponse(.accepted).finish()
        } _: { _, address in
            try await RawClient.exchange(
                "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", with: address)
        }
        #expect(text.contains("X-C: 3\r\nX-A: 1\r\nX-B: 2\r\n"))
        #expect(text.ranges(of: "X-B: 2").count == 2)
        #expect(ear.heard.withLock(\.self) == ["200 hi", "202 -"])
    }
}
