import APIMachinery
import PKI
import Support

/// A blob of an image: bytes that are named by their digest (OCI image specification, "Content Descriptors").
struct OCIBlob: Hashable, Sendable {
    var mediaType: String
    var bytes: [UInt8]

    /// `sha256:` and the digest in hexadecimal.
    let digest: String

    init(_ mediaType: String, _ bytes: [UInt8]) {
        self.mediaType = mediaType
        self.bytes = bytes
        digest = "sha256:" + Hex.encode(Digest.sha256(bytes))
    }

    fileprivate var descriptor: Value {
        ["mediaType": .string(mediaType), "digest": .string(digest), "size": .integer(Int64(bytes.count))]
    }
}

/// An image of one layer, complete in memory (OCI image specification, version 1).
struct OCIImage: Sendable {
    var layer: OCIBlob
    var configuration: OCIBlob
    var manifest: OCIBlob

    /// `layer` is a tar archive without compression; `settings` is what a container gets from the image
    /// (`Entrypoint`, `Env`, `User`, ...).
    init(layer archive: TarArchive, architecture: String, settings: Value) {
        layer = OCIBlob("application/vnd.oci.image.layer.v1.tar", archive.bytes)
        let configuration: Value = [
            "architecture": .string(architecture), "os": "linux", "config": settings,
            "rootfs": ["type": "layers", "diff_ids": [.string(layer.digest)]],
        ]
        self.configuration = OCIBlob("application/vnd.oci.image.config.v1+json", configuration.json)
        let manifest: Value = [
            "schemaVersion": 2, "mediaType": .string(Self.manifestType),
            "config": self.configuration.descriptor, "layers": [layer.descriptor],
        ]
        self.manifest = OCIBlob(Self.manifestType, manifest.json)
    }

    private static let manifestType = "application/vnd.oci.image.manifest.v1+json"
}

extension OCIImage {
    /// The image of the sandboxes' first process; `nil` for an architecture that it is not written for.
    static func pause(architecture: String) -> OCIImage? {
        guard let program = PauseProgram.executable(architecture: architecture) else { return nil }
        var layer = TarArchive()
        layer.add(file: "pause", mode: 0o755, program)
        return OCIImage(
            layer: layer, architecture: architecture,
            settings: ["Entrypoint": ["/pause"], "User": "65535:65535", "WorkingDir": "/"])
    }
}
