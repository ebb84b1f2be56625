import Glibc
import Support
import Testing

@testable import Host

@Suite struct FileWatchTests {
    @Test func `a file that is put in place is seen, by name`() async throws {
        try await withTemporaryDirectory { directory in
            let watch = try FileWatch()
            try watch.add(directory, for: [.movedHere, .deleted])
            var events = watch.makeAsyncIterator()
            try Files.write("text", to: directory + "/manifest.yaml")
            let arrived = try await events.next()
            #expect(arrived == FileWatch.Event(path: directory, name: "manifest.yaml", changes: .movedHere))
            try Files.remove(directory + "/manifest.yaml")
            #expect(try await events.next()?.changes == .deleted)
        }
    }

    @Test func `the end of the watched path is an event, and removing the watch ends it`() async throws {
        try await withTemporaryDirectory { directory in
            try Files.makeDirectory(directory + "/one")
            try Files.makeDirectory(directory + "/two")
            let watch = try FileWatch()
            try watch.add(directory + "/one")
            try watch.add(directory + "/two")
            var events = watch.makeAsyncIterator()
            watch.remove(directory + "/one")
            try Files.write("", to: directory + "/one/file")
            try Files.remove(directory + "/two")
            let ended = try await events.next()
            #expect(ended?.path == directory + "/two")
            #expect(ended?.changes == .ended)
        }
    }

    @Test func `cancelling the task ends the sequence`() async throws {
        try await withTemporaryDirectory { directory in
            let watch = try FileWatch()
            try watch.add(directory)
            let task = Task { () async throws -> Int in
                var count = 0
                for try await _ in watch { count += 1 }
                return count
            }
            task.cancel()
            #expect(try await task.value == 0)
        }
    }

    @Test func `an overflow of the kernel's queue is told`() {
        var paths: [Int32: String] = [1: "/a"]
        func word(_ number: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
        let overflow = word(.max) + word(UInt32(IN_Q_OVERFLOW)) + word(0) + word(0)
        let created = word(1) + word(UInt32(IN_CREATE)) + word(0) + word(4) + [0x78, 0, 0, 0]
        let ignored = word(1) + word(UInt32(IN_IGNORED)) + word(0) + word(0)
        let events = InotifyEvents.decode(overflow + created + ignored + created, paths: &paths)
        #expect(events.map(\.isOverflow) == [true, false])
        #expect(events.last?.name == "x")
        #expect(paths.isEmpty)
    }
}
