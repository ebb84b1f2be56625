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

@Suite struct ImageFolderTests {
    @Test func `hidden files are passed over, others are noted once`() {
        var news = ImageFolder.News()
        #expect(!news.note(".box.tar.swp") && news == ImageFolder.News())
        #expect(news.note("box.tar") && news.note("list.txt") && news.note("box.tar"))
        #expect(news.files == ["box.tar", "list.txt"] && !news.isAll)
    }

    @Test func `an image has the names of further registries`() {
        let registries = ["reg.example.com:5000/k3s", "docker.io"]
        #expect(
            ImageArchives.names(of: "docker.io/rancher/mirrored-pause:3.6", in: registries)
                == ["reg.example.com:5000/k3s/rancher/mirrored-pause:3.6"])
        #expect(ImageArchives.names(of: "quay.io/a/b/c:1", in: ["docker.io"]) == ["docker.io/a/b/c:1"])
        let digest = "sha256:" + String(repeating: "a", count: 64)
        #expect(ImageArchives.names(of: "quay.io/a/b@" + digest, in: registries) == [])
        #expect(ImageArchives.names(of: "import-2026-01-01@" + digest, in: registries) == [])
    }

    @Test func `an archive that is not looked at keeps its images`() {
        var before = ImportedArchives()
        let stamp = ImportedArchives.Stamp(size: 1, modified: Timestamp(seconds: 1), inode: 1)
        before.add("a.tar", stamp, images: ["x"])
        var after = ImportedArchives()
        after.keep("a.tar", of: before)
        after.keep("b.tar", of: before)
        #expect(after == before && after.images(of: "a.tar") == ["x"] && after.images(of: "b.tar") == [])
    }
}
