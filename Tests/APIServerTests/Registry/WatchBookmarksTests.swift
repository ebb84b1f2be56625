import Synchronization
import Testing

@testable import APIServer

/// When watches tell how far the log has come.
@Suite(.timeLimit(.minutes(5))) struct WatchBookmarksTests {
    private final class Receiver: BookmarkReceiver {
        let calls = Atomic(0)
        private let told: AsyncStream<Void>.Continuation

        init(_ told: AsyncStream<Void>.Continuation) { self.told = told }

        func bookmark() {
            calls.wrappingAdd(1, ordering: .relaxed)
            told.yield()
        }
    }

    @Test func `watches are told once after each write, and those that left no more`() async throws {
        let fixture = try await Fixture()
        let bookmarks = fixture.log.bookmarks
        let (stream, told) = AsyncStream.makeStream(of: Void.self)
        let (other, stays) = (Receiver(told), Receiver(told))
        var turns = stream.makeAsyncIterator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await bookmarks.run(following: fixture.log, each: .milliseconds(1)) }
            bookmarks.add(stays)
            for number in 0..<10 {
                if number == 5 { bookmarks.add(other) }
                if number == 6 { bookmarks.remove(other) }
                try await fixture.create("a\(number)")
                await turns.next()
                if number == 5 { await turns.next() }
            }
            group.cancelAll()
        }
        #expect(stays.calls.load(ordering: .relaxed) == 10)
        #expect(other.calls.load(ordering: .relaxed) == 1)
    }
}
