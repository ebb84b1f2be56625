import Host
import Support
import Testing

@testable import Runtime

@Suite struct ImportedArchivesTests {
    private typealias Stamp = ImportedArchives.Stamp
    private static let stamp = Stamp(
        size: 5_000_000_000, modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789), inode: .max)

    private static var record: ImportedArchives {
        var record = ImportedArchives()
        record.add("a.tar", stamp, images: ["docker.io/library/a:1", "docker.io/library/b:1"])
        record.add("none.tar", stamp, images: [])
        return record
    }

    private static let present: Set = ["docker.io/library/a:1", "docker.io/library/b:1", "docker.io/library/c:1"]

    @Test func `the same file with its images in place is known, also after it was on disk`() {
        for record in [Self.record, ImportedArchives(json: Self.record.json)] {
            #expect(record == Self.record)
            let images = record.images(of: "a.tar", Self.stamp, among: Self.present)
            #expect(images == ["docker.io/library/a:1", "docker.io/library/b:1"])
        }
    }

    @Test(arguments: [
        ("size", Stamp(size: 1, modified: stamp.modified, inode: stamp.inode)),
        ("seconds", Stamp(size: stamp.size, modified: Timestamp(seconds: 1_700_000_001), inode: stamp.inode)),
        ("nanoseconds", Stamp(size: stamp.size, modified: Timestamp(seconds: 1_700_000_000), inode: stamp.inode)),
        ("inode", Stamp(size: stamp.size, modified: stamp.modified, inode: 7)),
    ]) private func `a file that differs is not known`(_ what: String, _ stamp: Stamp) {
        #expect(Self.record.images(of: "a.tar", stamp, among: Self.present) == nil)
    }

    @Test func `nothing else is known`() {
        let record = Self.record
        #expect(record.images(of: "b.tar", Self.stamp, among: Self.present) == nil)
        #expect(record.images(of: "a.tar", Self.stamp, among: ["docker.io/library/a:1"]) == nil)
        #expect(record.images(of: "none.tar", Self.stamp, among: Self.present) == nil)
    }

    @Test(arguments: ["", "[]", "{", #"{"a.tar": 1}"#, #"{"a.tar": {"size": "x"}}"#])
    func `what cannot be read was not imported`(_ text: String) {
        #expect(ImportedArchives(json: Array(text.utf8)) == ImportedArchives())
    }

    @Test func `a file is told by what the system says of it`() throws {
        let folder = "/tmp/k3s-imported-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer { try? Files.remove(folder) }
        try Files.write("one", to: folder + "/a.tar")
        let first = try Stamp(ofFile: folder + "/a.tar")
        #expect(try Stamp(ofFile: folder + "/a.tar") == first)
        // Another file in its place, of the same size.
        try Files.write("two", to: folder + "/b.tar")
        try Files.rename(folder + "/b.tar", to: folder + "/a.tar")
        #expect(try Stamp(ofFile: folder + "/a.tar") != first)
        #expect(throws: Fault.self) { try Stamp(ofFile: folder) }
    }
}
