import Testing

@testable import Wire

@Suite struct BytePipeTests {
    @Test func `a writer waits for its reader`() async throws {
        let pipe = BytePipe(capacity: 10)
        #expect(try pipe.offer([UInt8](repeating: 1, count: 12)))
        #expect(try !pipe.offer([2]))
        async let written: Void = pipe.write([2])
        #expect(try await pipe.read()?.count == 12)
        #expect(try await pipe.read() == [2])
        try await written
        pipe.finish()
        #expect(try await pipe.read() == nil)
        #expect(throws: ByteStreamError.closed) { try pipe.offer([3]) }
    }

    @Test func `what was written before the end is read before the error`() async throws {
        let pipe = BytePipe(capacity: 10)
        try await pipe.write([1])
        pipe.finish(throwing: ByteStreamError.connectionLost)
        #expect(try await pipe.read() == [1])
        for _ in 0..<2 {
            await #expect(throws: ByteStreamError.connectionLost) { try await pipe.read() }
        }
    }

    @Test func `abandoning wakes the writer`() async throws {
        let pipe = BytePipe(capacity: 1)
        try await pipe.write([1])
        await withTaskGroup { group in
            group.addTask {
                await #expect(throws: ByteStreamError.closedByPeer) { try await pipe.write([2]) }
            }
            pipe.abandon()
        }
        await #expect(throws: ByteStreamError.closed) { try await pipe.read() }
    }

    @Test func `cancelling wakes a reader and a writer`() async throws {
        let pipe = BytePipe(capacity: 1)
        let reader = Task { try await pipe.read() }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        try await pipe.write([1])
        let writer = Task { try await pipe.write([2]) }
        writer.cancel()
        await #expect(throws: CancellationError.self) { try await writer.value }
        #expect(try await pipe.read() == [1])
    }

    @Test func `a gigantic relay through a small pipe loses nothing`() async throws {
        let (near, far) = MemoryByteStream.pair(capacity: 7)
        try await withThrowingTaskGroup { group in
            group.addTask {
                for number in UInt8(0)..<200 { try await near.write([number, number, number]) }
                try await near.closeWrite()
            }
            var received: [UInt8] = []
            while let bytes = try await far.read() { received += bytes }
            #expect(received == (UInt8(0)..<200).flatMap { [$0, $0, $0] })
            try await group.waitForAll()
        }
    }

    @Test func `turns are taken one at a time, and a cancelled one is skipped`() async throws {
        let turn = Turn()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await turn.run {
                    begin.yield()
                    for await _ in released { break }
                }
            }
            for await _ in begun { break }
            let skipped = Task { try await turn.run { Issue.record("ran") } }
            skipped.cancel()
            await #expect(throws: CancellationError.self) { try await skipped.value }
            group.addTask { try await turn.run {} }
            release.yield()
            try await group.waitForAll()
        }
        try await turn.run {}
    }
}
