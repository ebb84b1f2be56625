import APIMachinery
import Host
public import Support
import Synchronization
import Wire

extension DockerRuntime: ImageService {
    public func pullImage(
        _ image: CRI.ImageSpec, auth: CRI.AuthConfig?, sandboxConfig: CRI.PodSandboxConfig?
    ) async throws(Fault) -> String {
        let name = DockerImage.name(image.image)
        var headers = HTTPHeaders()
        if let auth { headers.add("X-Registry-Auth", DockerImage.authentication(auth)) }
        try await follow(
            "/images/create", query: [("fromImage", name)], headers: headers, "cannot pull the image \(image.image)")
        guard let id = try await client.image(name)?["Id"]?.string else {
            throw Fault(.notFound, "the image \(image.image) was pulled and is not there")
        }
        return id
    }

    /// Has Docker do what it reports on line by line, and waits for its end. Who makes no progress for long is given up.
    private func follow(
        _ path: String, query: [(String, String)], headers: HTTPHeaders = [:], body: HTTPRequestBody = .none,
        _ summary: String
    ) async throws(Fault) {
        let watch = ProgressWatch()
        let (client, patience) = (client, options.pullPatience)
        let outcome = await withTaskGroup(of: Result<Void, Fault>.self) { group in
            group.addTask {
                do throws(Fault) {
                    try await client.lines(
                        .post, path, query: query, headers: headers, body: body, summary
                    ) { line in
                        watch.note(line)
                    }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                while true {
                    let idle = ContinuousClock.now - watch.heard
                    guard idle < patience else {
                        return .failure(Fault(.timedOut, "\(summary): nothing new since \"\(watch.progress.last)\""))
                    }
                    do { try await Task.sleep(for: patience - idle) } catch {
                        return .failure(Fault(.unavailable, "\(summary): it was cancelled", cause: error))
                    }
                }
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(())
        }
        try outcome.get()
        if let failure = watch.progress.failure {
            throw Fault(summary, GRPCStatus(.unknown, failure))
        }
    }

    public func listImages() async throws(Fault) -> [CRI.Image] {
        let entries = try await client.call(.get, "/images/json", "cannot list images").array ?? []
        return entries.compactMap(DockerImage.image).map(pinned)
    }

    public func imageStatus(_ image: CRI.ImageSpec) async throws(Fault) -> CRI.Image? {
        try await client.image(DockerImage.name(image.image)).flatMap(DockerImage.image).map(pinned)
    }

    /// The sandboxes' own image is never removed to make room.
    private func pinned(_ image: CRI.Image) -> CRI.Image {
        var image = image
        image.pinned = image.repoTags.contains(DockerImage.name(options.pauseImage))
        return image
    }

    public func removeImage(_ image: CRI.ImageSpec) async throws(Fault) {
        guard let present = try await client.image(DockerImage.name(image.image)), let id = present["Id"]?.string else {
            return
        }
        let names = DockerImage.names(present)
        // Docker removes no image by its id that has several names. With the last one it goes by itself.
        for name in names.tags + names.digests + [id] {
            do throws(Fault) {
                _ = try await client.call(.delete, "/images/\(name)", "cannot remove the image \(image.image)")
            } catch where error.code == .notFound {}
        }
    }

    /// Where they are. How much images take there, Docker tells only after it has walked through everything that it has, and
    /// nobody here asks.
    public func imageFilesystems() async throws(Fault) -> CRI.ImageFilesystems {
        var filesystem = CRI.FilesystemUsage()
        filesystem.timestamp = Self.nanoseconds(.now)
        filesystem.filesystem.mountpoint = root
        var all = CRI.ImageFilesystems()
        (all.images, all.containers) = ([filesystem], [filesystem])
        return all
    }

    public func mountImage(_ id: String, at path: String) async throws(Fault) -> Bool {
        guard let image = try await client.image(DockerImage.name(id)) else {
            throw Fault(.notFound, "the image \(id) is not there")
        }
        try DockerImageFiles(image).mount(at: path)
        return true
    }

    static func nanoseconds(_ time: Timestamp) -> Int64 {
        let (whole, isTooLarge) = time.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return isTooLarge ? .max : whole + Int64(time.nanoseconds)
    }

    // MARK: The sandboxes' image

    /// Sees to it that the image of the sandboxes' first process is there: the built-in one under the name that k3s gives it,
    /// any other by a pull.
    func preparePauseImage() async throws(Fault) {
        let name = DockerImage.name(options.pauseImage)
        guard try await client.image(name) == nil else { return }
        guard let archive = PauseImage(reference: options.pauseImage).dockerArchive() else {
            _ = try await pullImage(CRI.ImageSpec(options.pauseImage), auth: nil, sandboxConfig: nil)
            return
        }
        try await follow(
            "/images/load", query: [("quiet", "true")], headers: ["Content-Type": "application/x-tar"],
            body: .bytes(archive), "cannot load the built-in image \(name)")
    }
}

/// How far Docker has come, for who waits and who writes.
private final class ProgressWatch: Sendable {
    private struct State {
        var progress = DockerProgress()
        var heard = ContinuousClock.now
    }

    private let state = Mutex(State())

    var progress: DockerProgress { state.withLock { $0.progress } }
    /// When something was said last.
    var heard: ContinuousClock.Instant { state.withLock { $0.heard } }

    func note(_ line: Value) {
        state.withLock { state in
            state.progress.note(line)
            state.heard = .now
        }
    }
}

extension PauseImage {
    /// The built-in image in the form of `docker save` (Docker Image Specification 1.2, "Combined Image JSON + Filesystem
    /// Changeset Format"); `nil` for an image of somebody's own, which is pulled.
    func dockerArchive(architecture: String = Machine.architecture) -> [UInt8]? {
        guard let name = ImageReference(reference), name.repository.hasSuffix("rancher/mirrored-pause"),
            let image = OCIImage.pause(architecture: architecture)
        else { return nil }
        let configuration = image.configuration.digest.dropFirst("sha256:".utf8.count) + ".json"
        let manifest: Value = [
            [
                "Config": .string(String(configuration)), "RepoTags": [.string(name.description)],
                "Layers": ["layer.tar"],
            ]
        ]
        var archive = TarArchive()
        archive.add(file: String(configuration), mode: 0o644, image.configuration.bytes)
        archive.add(file: "layer.tar", mode: 0o644, image.layer.bytes)
        archive.add(file: "manifest.json", mode: 0o644, manifest.json)
        return archive.bytes
    }
}
