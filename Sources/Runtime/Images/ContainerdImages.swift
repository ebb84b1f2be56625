import Support
import Wire

/// containerd's own store of images, for what its CRI server cannot do: taking an image that comes from here.
///
/// An image is three blobs and a name. A lease keeps the blobs from being collected before the name refers to
/// them.
struct ContainerdImages: Sendable {
    let grpc: GRPCClient
    var timeout = Duration.seconds(60)

    /// What the ids of the leases begin with that any k3s makes.
    static let leasePrefix = "k3s-"
    /// The same for this process. They do not expire: by a clock that is set meanwhile they would at once. What a k3s leaves
    /// that is killed, the next one gives back (``AbandonedLeases``).
    static let ownLeasePrefix = "\(leasePrefix)\(UInt32.random(in: 0...UInt32.max))-"

    /// Puts an image in the store under `name` (in full), replacing what had the name before.
    ///
    /// `labels` go on the name; those that begin `containerd.io/gc` mean something to containerd.
    func put(_ image: OCIImage, name: String, labels: [String: String]) async throws(Fault) {
        let lease = try await makeLease()
        do throws(Fault) {
            try await write(image.layer, labels: [:], lease)
            try await write(image.configuration, labels: [:], lease)
            try await write(
                image.manifest,
                labels: [
                    "containerd.io/gc.ref.content.config": image.configuration.digest,
                    "containerd.io/gc.ref.content.l.0": image.layer.digest,
                ], lease)
            let manifest = ContentDescriptor(
                mediaType: image.manifest.mediaType, digest: image.manifest.digest, size: Int64(image.manifest.bytes.count))
            try await setName(name, to: manifest, labels: labels, lease: lease)
        } catch {
            // The first fault is the one to tell; the next k3s gives the lease back.
            try? await remove(lease)
            throw error
        }
        try await remove(lease)
    }

    /// Adds labels to the image of this name and takes those with an empty value away. A name that is not there
    /// is passed over.
    func label(_ name: String, _ labels: [String: String]) async throws(Fault) {
        let request = UpdateImageRequest(
            image: ImageRecord(name: name, labels: labels),
            mask: FieldMask(paths: labels.keys.sorted().map { "labels." + $0 }))
        do throws(Fault) {
            let _: Single<ImageRecord> = try await call(
                "images.v1.Images/Update", request, "cannot label the image \(name)")
        } catch where error.code == .notFound {
            return
        }
    }

    /// Gives an image a further name, from whatever had it before; whether there is an image `name`.
    func tag(_ name: String, as another: String, labels: [String: String]) async throws(Fault) -> Bool {
        let request = ListImagesRequest(filters: ["name==\"\(name)\""])
        let answer: Items<ImageRecord> = try await call(
            "images.v1.Images/List", request, "cannot look for the image \(name)")
        guard let target = answer.items.first?.target else { return false }
        try await setName(another, to: target, labels: labels, lease: nil)
        return true
    }

    /// The names of all images that have this label with this value.
    func names(withLabel key: String, _ value: String) async throws(Fault) -> [String] {
        try await names(["labels.\"\(key)\"==\"\(value)\""])
    }

    /// The names of all images; with filters, of those that pass one of them.
    func names(_ filters: [String] = []) async throws(Fault) -> [String] {
        let request = ListImagesRequest(filters: filters)
        let answer: Items<ImageRecord> = try await call(
            "images.v1.Images/List", request, "cannot list images")
        return answer.items.map(\.name)
    }

    private func makeLease() async throws(Fault) -> String {
        let request = CreateLeaseRequest(id: "\(Self.ownLeasePrefix)\(UInt64.random(in: 0...UInt64.max))")
        let _: Single<EmptyMessage> = try await call(
            "leases.v1.Leases/Create", request, "cannot make a lease")
        return request.id
    }

    private func remove(_ lease: String) async throws(Fault) {
        let _: EmptyMessage = try await call(
            "leases.v1.Leases/Delete", IDRequest(lease), "cannot remove a lease")
    }

    /// The method takes a stream and answers with one; a blob that fits one message is written by one. It
    /// tells its last answer twice, so that all have to be read to see how it ended.
    private func write(_ blob: OCIBlob, labels: [String: String], _ lease: String) async throws(Fault) {
        let request = WriteContentRequest(
            ref: "k3s-" + blob.digest, total: Int64(blob.bytes.count), expected: blob.digest,
            data: blob.bytes,
            labels: labels)
        do {
            try await grpc.serverStream(
                "/containerd.services.content.v1.Content/Write", request.protobuf,
                metadata: metadata(lease: lease),
                timeout: timeout
            ) { answers in
                while try await answers.next() != nil {}
            }
        } catch let status as GRPCStatus where status.code == .alreadyExists {
            return
        } catch {
            throw Fault("cannot store \(blob.digest)", GRPCStatus.of(error))
        }
    }

    private func setName(
        _ name: String, to target: ContentDescriptor, labels: [String: String], lease: String?
    ) async throws(Fault) {
        let record = ImageRecord(name: name, labels: labels, target: target)
        do throws(Fault) {
            let _: Single<ImageRecord> = try await call(
                "images.v1.Images/Create", Single(record), lease: lease, "cannot store the image \(name)")
        } catch where error.code == .conflict {
            let _: Single<ImageRecord> = try await call(
                "images.v1.Images/Update", UpdateImageRequest(image: record), lease: lease,
                "cannot replace the image \(name)")
        }
    }

    private func call<Response: ProtobufMessage>(
        _ method: String, _ request: some ProtobufMessage, lease: String? = nil,
        _ summary: @autoclosure () -> String
    ) async throws(Fault) -> Response {
        try await grpc.call(
            "/containerd.services." + method, request, metadata: metadata(lease: lease), timeout: timeout,
            summary())
    }

    private func metadata(lease: String?) -> GRPCMetadata {
        var metadata = GRPCMetadata.containerd
        if let lease { metadata.add("containerd-lease", lease) }
        return metadata
    }
}
