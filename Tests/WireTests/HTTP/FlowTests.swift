import NIOCore
import Testing

@testable import Wire

@Suite struct OutletQueueTests {
    @Test func `what is written while a batch is under way goes out as one`() {
        var queue = OutletQueue(limit: 100)
        #expect(queue.write([1, 2]) == .accepted(mustSchedule: true))
        #expect(queue.write([3]) == .accepted(mustSchedule: false))
        #expect(queue.next()?.count == 3)
        #expect(queue.write([4]) == .accepted(mustSchedule: false))
        #expect(queue.write([5]) == .accepted(mustSchedule: false))
        #expect(queue.next() == nil)
        #expect(queue.pending == 5)
        queue.sent()
        #expect(queue.pending == 2)
        #expect(queue.next()?.chunks == [[4], [5]])
    }

    @Test func `more than the limit is not taken, save one chunk when nothing waits`() {
        var queue = OutletQueue(limit: 4)
        #expect(queue.write([1, 2, 3, 4, 5, 6]) == .accepted(mustSchedule: true))
        #expect(queue.write([7]) == .full)
        _ = queue.next()
        queue.sent()
        #expect(queue.write([7]) == .accepted(mustSchedule: true))
    }

    @Test func `the end follows the last byte`() {
        var queue = OutletQueue(limit: 1 << 20)
        _ = queue.write([UInt8](repeating: 7, count: OutletQueue.batchLimit + 5)[...])
        _ = queue.finish()
        let first = queue.next()
        #expect(first?.count == OutletQueue.batchLimit)
        #expect(first?.isLast == false)
        queue.sent()
        let second = queue.next()
        #expect(second?.count == 5)
        #expect(second?.isLast == true)
        queue.sent()
        #expect(queue.next() == nil)
        #expect(queue.write([1]) == .closed)
    }

    @Test func `an empty body still has an end`() {
        var queue = OutletQueue(limit: 1)
        let mustSchedule = queue.finish()
        #expect(mustSchedule)
        #expect(queue.next()?.isLast == true)
    }
}

@Suite struct RequestBodyTests {
    private func view(_ count: Int) -> ByteBufferView {
        ByteBuffer(repeating: 1, count: count).readableBytesView
    }

    @Test func `a body that nobody asked for yet is held back up to a bound`() {
        var body = RequestBody(declaredLength: nil, heldLimit: 10)
        #expect(body.received(view(9)) == .none)
        #expect(body.received(view(1)) == .pause)
        #expect(body.collect(limit: 100) == .resume)
        #expect(body.ended() == .collected(.success([UInt8](repeating: 1, count: 10))))
    }

    @Test func `a declared length above the limit is refused before a byte comes`() {
        var body = RequestBody(declaredLength: 11, heldLimit: 10)
        #expect(body.collect(limit: 10) == .collected(.failure(.tooLarge(limit: 10))))
    }

    @Test func `a body that grows above the limit is refused when it does`() {
        var body = RequestBody(declaredLength: nil, heldLimit: 10)
        #expect(body.collect(limit: 10) == .resume)
        #expect(body.received(view(10)) == .none)
        #expect(body.received(view(1)) == .collected(.failure(.tooLarge(limit: 10))))
        #expect(body.ended() == .none)
    }

    @Test func `a body that was cut short is never complete`() {
        var early = RequestBody(declaredLength: 5, heldLimit: 10)
        _ = early.received(view(4))
        #expect(early.failed(.cutShort) == .none)
        #expect(early.collect(limit: 10) == .collected(.failure(.cutShort)))
        var late = RequestBody(declaredLength: 5, heldLimit: 10)
        _ = late.collect(limit: 10)
        #expect(late.failed(.cutShort) == .collected(.failure(.cutShort)))
        #expect(late.ended() == .none)
    }

    @Test func `an unwanted body is dropped up to a bound`() {
        var body = RequestBody(declaredLength: nil, heldLimit: 10)
        #expect(body.discard(limit: 5) == .resume)
        #expect(body.received(view(5)) == .none)
        #expect(body.received(view(1)) == .giveUp)
    }

    @Test func `a body is given out once`() {
        var body = RequestBody.empty
        #expect(body.collect(limit: 1) == .collected(.success([])))
        #expect(body.collect(limit: 1) == .collected(.failure(.alreadyTaken)))
        #expect(body.stream() == nil)
    }
}
