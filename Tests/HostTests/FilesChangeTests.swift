import Host
import Support
import Testing

@Suite struct FilesChangeTests {
    @Test func `changes that are made together all show, with their exact modes`() throws {
        try withTemporaryDirectory { directory in
            func path(_ name: String) -> String { Path.join(directory, name) }
            let old = path("old")
            try Files.write("old", to: old)
            try Files.makeSymbolicLink(at: path("link"), to: "nowhere")
            try Files.change([
                .write(path: path("a"), bytes: Array("A".utf8), mode: 0o600),
                .write(path: path("b"), bytes: [], mode: 0o664),
                .write(path: path("link"), bytes: Array("a file now".utf8), mode: 0o644),
                .link(path: path("to-a"), target: "a"), .remove(path: old), .remove(path: path("none")),
            ])
            #expect(try Files.list(directory) == ["a", "b", "link", "to-a"])
            #expect(try Files.readText(path("to-a")) == "A")
            #expect(try Files.status(of: path("a")).mode == 0o600)
            #expect(try Files.status(of: path("b")).mode == 0o664)
            #expect(try Files.status(of: path("link"), followingLinks: false).kind == .regular)
        }
    }

    @Test func `when one change cannot be made ready, none is made`() throws {
        try withTemporaryDirectory { directory in
            func path(_ name: String) -> String { Path.join(directory, name) }
            #expect(throws: Fault.self) {
                try Files.change([
                    .write(path: path("a"), bytes: [1], mode: 0o600),
                    .write(path: path("missing/b"), bytes: [2], mode: 0o600),
                ])
            }
            let left = try Files.list(directory)
            #expect(left == [])
        }
    }
}
