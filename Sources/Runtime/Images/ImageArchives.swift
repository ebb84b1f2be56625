import Host
public import Logging
import Support

/// Images that lie as archives in a folder of the node, for machines without a network (`A/images`).
public struct ImageArchives: Sendable {
    let folder: String
    let ctr: String?
    let socket: String
    let snapshotter: String
    /// Pinned, and not from here.
    let pauseImage: String?
    let logger: Logger

    /// `programs` must be able to import, or ``importAll(_:)`` says so when there is something to import.
    public init(
        layout: ContainerdLayout, programs: ContainerdPrograms,
        options: ContainerdOptions = ContainerdOptions(), logger: Logger = Logger(label: "images")
    ) {
        folder = layout.images
        socket = layout.socket
        ctr = programs.ctr
        snapshotter = options.snapshotter
        pauseImage = ImageReference(options.pauseImage)?.description
        self.logger = logger
    }

    /// The endings of archives that containerd reads as they are.
    private static let endings = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"]
    /// The endings that k3s also knows.
    private static let unsupported = [".tar.lz4", ".tar.bz2", ".tbz"]

    /// Imports every archive, and pulls what is named in lists (`.txt`, a reference a line). The images are
    /// pinned. Returns the names. An archive that cannot be read is logged and passed over: it must not keep
    /// the node down.
    public func importAll(_ client: CRIClient) async throws -> [String] {
        let store = ContainerdImages(grpc: client.grpc)
        let pinnedBefore = try await store.names(withLabel: PauseImage.ownLabel, "pinned")
        var names: [String] = []
        let files = Files.exists(folder) ? try Files.list(folder) : []
        for file in files where !file.hasPrefix(".") {
            let path = Path.join(folder, file)
            do {
                if Self.endings.contains(where: file.hasSuffix) {
                    names += try await importArchive(path)
                } else if file.hasSuffix(".txt") {
                    names += try await pullList(path, client)
                } else if Self.unsupported.contains(where: file.hasSuffix) {
                    throw Fault(.unsupported, "its compression is not supported", remedy: "use gzip or zstd")
                }
            } catch let fault as Fault {
                logger.error("cannot import \(path): \(fault)")
            }
        }
        for name in names { try await store.label(name, PauseImage.pinnedLabels) }
        // What has left the folder may be removed to make room again.
        let unpinned = PauseImage.pinnedLabels.mapValues { _ in "" }
        for name in pinnedBefore where !names.contains(name) && name != pauseImage {
            try await store.label(name, unpinned)
        }
        return names
    }

    private func importArchive(_ path: String) async throws -> [String] {
        guard let ctr else {
            throw Fault(
                .notFound, "the program ctr is not on this machine",
                remedy: "install it (on Debian: apt-get install containerd)")
        }
        // ctr -n k8s.io images import FILE
        let arguments = [
            "-a", socket, "-n", containerdNamespace, "images", "import", "--snapshotter", snapshotter, path,
        ]
        let output = try await Command(ctr, arguments).run()
        guard output.status.isSuccess else {
            throw Fault(.invalid, "ctr could not read it (\(output.status)): \(output.errorText.suffix(500))")
        }
        return Self.names(inOutput: output.text)
    }

    /// It prints `unpacking NAME (DIGEST)...done` for each image.
    static func names(inOutput text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count >= 2 && words[0] == "unpacking" ? String(words[1]) : nil
        }
    }

    private func pullList(_ path: String, _ client: CRIClient) async throws -> [String] {
        var names: [String] = []
        for line in try Files.readText(path).split(whereSeparator: \.isNewline) {
            let text = line.filter { !$0.isWhitespace }
            guard !text.isEmpty, !text.hasPrefix("#"), let reference = ImageReference(text) else { continue }
            let image = CRI.ImageSpec(reference.description)
            if try await client.imageStatus(image) == nil {
                _ = try await client.pullImage(image, auth: nil, sandboxConfig: nil)
            }
            names.append(reference.description)
        }
        return names
    }
}
