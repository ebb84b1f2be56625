import Host
import Support
import Testing

@testable import Runtime

@Suite struct TarArchiveTests {
    @Test func `an archive is what tar reads`() async throws {
        var archive = TarArchive()
        archive.add(directory: "bin", mode: 0o755)
        archive.add(file: "bin/tool", mode: 0o750, Array("hello\n".utf8))
        archive.add(link: "bin/alias", to: "tool")
        archive.add(file: "exact", mode: 0o644, [UInt8](repeating: 7, count: 512))
        #expect(archive.bytes.count % 512 == 0)

        let path = "/tmp/k3s-tar-test-\(UInt64.random(in: 0...UInt64.max))"
        try Files.write(archive.bytes, to: path)
        defer { try? Files.remove(path) }
        let listing = try await Command(
            "tar", ["--utc", "-tvf", path], environment: ["PATH": "/usr/bin:/bin"]
        ).run()
        #expect(listing.status.isSuccess)
        #expect(
            listing.text == """
                drwxr-xr-x 0/0               0 1970-01-01 00:00 bin/
                -rwxr-x--- 0/0               6 1970-01-01 00:00 bin/tool
                lrwxrwxrwx 0/0               0 1970-01-01 00:00 bin/alias -> tool
                -rw-r--r-- 0/0             512 1970-01-01 00:00 exact

                """)
    }
}
