import Testing

@testable import Runtime

@Suite struct ContainerdSnapshotsTests {
    @Test func `layers are named by the configuration of their image`() throws {
        let configuration = #"{"rootfs":{"type":"layers","diff_ids":["sha256:a","sha256:b"]}}"#
        #expect(try ContainerdSnapshots.layers(in: Array(configuration.utf8), of: "i") == ["sha256:a", "sha256:b"])
        for wrong in ["", "{}", #"{"rootfs":{"diff_ids":[]}}"#] {
            #expect(throws: (any Error).self) { try ContainerdSnapshots.layers(in: Array(wrong.utf8), of: "i") }
        }
    }

    /// `printf 'sha256:a sha256:b' | sha256sum`, and so on.
    @Test(arguments: [
        (["sha256:a"], "sha256:a"),
        (["sha256:a", "sha256:b"], "sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8"),
        (["sha256:a", "sha256:b", "sha256:c"], "sha256:dee159b33409cefa3f6eda71539f006014283e9d9130c18a1dea7bd8a33c9b1b"),
    ])
    func `a layer is named with those below it`(layers: [String], name: String) {
        #expect(ContainerdSnapshots.chain(of: layers) == name)
    }
}
