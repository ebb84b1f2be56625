public import Support

extension CRIClient: ImageService {
    public func pullImage(
        _ image: CRI.ImageSpec, auth: CRI.AuthConfig?, sandboxConfig: CRI.PodSandboxConfig?
    ) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .image("PullImage"), PullImageRequest(image: image, auth: auth, sandboxConfig: sandboxConfig),
            timeout: nil, "cannot pull the image \(image.image)")
        return answer.id
    }

    public func listImages() async throws(Fault) -> [CRI.Image] {
        let answer: Items<CRI.Image> = try await call(
            .image("ListImages"), EmptyMessage(), timeout: limits.request, "cannot list images")
        guard !answer.items.contains(where: \.pinned) else { return answer.items }
        // containerd tells of pinned images from 1.7 on. Another runtime has no such labels.
        let label = "io.cri-containerd.pinned"
        let pinned = Set((try? await ContainerdImages(grpc: grpc).names(withLabel: label, "pinned")) ?? [])
        return answer.items.map { image in
            var image = image
            image.pinned = !pinned.isDisjoint(with: image.repoTags + image.repoDigests)
            return image
        }
    }

    public func imageStatus(_ image: CRI.ImageSpec) async throws(Fault) -> CRI.Image? {
        let answer: Single<CRI.Image> = try await call(
            .image("ImageStatus"), Single(image), timeout: limits.request,
            "cannot look at the image \(image.image)")
        return answer.item
    }

    public func removeImage(_ image: CRI.ImageSpec) async throws(Fault) {
        let _: EmptyMessage = try await call(
            .image("RemoveImage"), Single(image), timeout: limits.request,
            "cannot remove the image \(image.image)")
    }

    public func imageFilesystems() async throws(Fault) -> CRI.ImageFilesystems {
        try await call(
            .image("ImageFsInfo"), EmptyMessage(), timeout: limits.request, "cannot measure the images")
    }

    public func mountImage(_ id: String, at path: String) async throws(Fault) -> Bool {
        let version = try await version()
        guard version.runtimeName == "containerd", let running = ContainerdVersion(number: version.runtimeVersion),
            running < .mountsImages
        else { return false }
        // `.../io.containerd.snapshotter.v1.overlayfs`
        let place = try await imageFilesystems().images.first?.filesystem.mountpoint ?? ""
        let snapshotter = place.split(separator: ".").last.map(String.init) ?? ""
        let key = "k3s-\(UInt64.random(in: 0...UInt64.max))"
        try await ContainerdSnapshots(grpc: grpc, snapshotter: snapshotter).mount(id, at: path, key: key)
        return true
    }
}

struct PullImageRequest: ProtobufMessage {
    var image = CRI.ImageSpec()
    var auth: CRI.AuthConfig?
    var sandboxConfig: CRI.PodSandboxConfig?

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.message(1, &image)
        fields.message(2, &auth)
        fields.message(3, &sandboxConfig)
    }
}
