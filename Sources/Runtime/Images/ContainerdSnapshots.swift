import APIMachinery
import Host
import PKI
import Support
import Wire

/// The files of images, for a containerd that cannot mount them in containers by itself (before 2.1).
///
/// containerd keeps each layer unpacked. A view of the last one says what to mount to see them all; once that is
/// mounted, the view is not needed any more, and nothing is left to be forgotten.
struct ContainerdSnapshots: Sendable {
    let grpc: GRPCClient
    /// `overlayfs`, ...
    let snapshotter: String
    var timeout = Duration.seconds(60)

    /// Mounts the files of the image with this id, read-only. `key` names the view while it is there.
    func mount(_ image: String, at path: String, key: String) async throws(Fault) {
        let layers = try Self.layers(in: try await content(image), of: image)
        let request = ViewRequest(snapshotter: snapshotter, key: key, parent: Self.chain(of: layers))
        let answer: Items<SnapshotMount> = try await call(
            "View", request, "cannot look into the image \(image)")
        do throws(Fault) { try Self.mount(answer.items, at: path) } catch {
            // The first fault is the one to tell; a view that nothing refers to is collected.
            try? await remove(key)
            throw error
        }
        try await remove(key)
    }

    private func remove(_ key: String) async throws(Fault) {
        do throws(Fault) {
            let _: EmptyMessage = try await call(
                "Remove", RemoveRequest(snapshotter: snapshotter, key: key), "cannot remove the view \(key)")
        } catch where error.code == .notFound {
            // containerd collected it.
        }
    }

    private static func mount(_ mounts: [SnapshotMount], at path: String) throws(Fault) {
        guard let mount = mounts.first, mounts.count == 1 else {
            throw Fault(.unsupported, "the snapshotter shows an image by \(mounts.count) mounts")
        }
        try Files.makeDirectory(path)
        if mount.type == "bind" {
            try Mounts.bind(mount.source, at: path, recursive: true)
            try Mounts.makeReadOnly(path)
        } else {
            let words: Set = ["ro", "rw", "bind", "rbind"]
            let data = mount.options.filter { !words.contains($0) }.joined(separator: ",")
            try Mounts.mount(type: mount.type, source: mount.source, at: path, flags: .readOnly, data: data)
        }
    }

    // MARK: Layers

    /// The digests of the unpacked layers, from the image's configuration (OCI image specification, "Image Configuration").
    static func layers(in configuration: [UInt8], of image: String) throws(Fault) -> [String] {
        let value = try? Value(json: configuration)
        let layers = value?.at("rootfs", "diff_ids")?.array?.compactMap(\.string) ?? []
        guard !layers.isEmpty else { throw Fault(.corrupt, "the configuration of the image \(image) names no layers") }
        return layers
    }

    /// What names a layer together with those below it (OCI image specification, "Layer ChainID").
    static func chain(of layers: [String]) -> String {
        layers.dropFirst().reduce(layers.first ?? "") { below, layer in
            "sha256:" + Hex.encode(Digest.sha256(Array("\(below) \(layer)".utf8)))
        }
    }

    // MARK: Calls

    private func content(_ digest: String) async throws(Fault) -> [UInt8] {
        do {
            return try await grpc.serverStream(
                "/containerd.services.content.v1.Content/Read", ReadContentRequest(digest: digest).protobuf,
                metadata: .containerd, timeout: timeout
            ) { answers in
                var bytes: [UInt8] = []
                while let answer = try await answers.next() { bytes += try ReadContentAnswer(protobuf: answer).data }
                return bytes
            }
        } catch {
            throw Fault("cannot read \(digest)", GRPCStatus.of(error))
        }
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        try await grpc.call(
            "/containerd.services.snapshots.v1.Snapshots/" + method, request, metadata: .containerd, timeout: timeout,
            summary())
    }

    /// `containerd.services.snapshots.v1.ViewSnapshotRequest`.
    struct ViewRequest: ProtobufMessage {
        var snapshotter = ""
        var key = ""
        var parent = ""

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &snapshotter)
            fields.string(2, &key)
            fields.string(3, &parent)
        }
    }

    /// `containerd.services.snapshots.v1.RemoveSnapshotRequest`.
    struct RemoveRequest: ProtobufMessage {
        var snapshotter = ""
        var key = ""

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &snapshotter)
            fields.string(2, &key)
        }
    }

    /// `containerd.types.Mount`.
    struct SnapshotMount: ProtobufMessage {
        var type = ""
        var source = ""
        var options: [String] = []

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &type)
            fields.string(2, &source)
            fields.strings(4, &options)
        }
    }

    /// `containerd.services.content.v1.ReadContentRequest`, of the whole.
    struct ReadContentRequest: ProtobufMessage {
        var digest = ""

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &digest) }
    }

    /// `containerd.services.content.v1.ReadContentResponse`.
    struct ReadContentAnswer: ProtobufMessage {
        var data: [UInt8] = []

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.bytes(2, &data) }
    }
}
