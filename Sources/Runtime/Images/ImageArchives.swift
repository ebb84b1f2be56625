import Host
public import Logging
import Support

/// Images that lie as archives in a folder of the node, for machines without a network (`A/images`).
public struct ImageArchives: Sendable {
    let folder: String
    /// What ``ImportedArchives`` is kept in.
    let record: String
    let ctr: String?
    let socket: String
    let snapshotter: String
    /// Pinned, and not from here.
    let pauseImage: String?
    /// What is imported is there under the names of these registries, too.
    let registries: [String]
    let logger: Logger

    /// `programs` must be able to import, or ``importAll(_:changed:)`` says so when there is something to import. Pods may
    /// ask for what was imported as an image of each of `registries`, where nobody has to have put it.
    public init(
        layout: ContainerdLayout, programs: ContainerdPrograms,
        options: ContainerdOptions = ContainerdOptions(), registries: [String] = [],
        logger: Logger = Logger(label: "images")
    ) {
        self.registries = registries
        folder = layout.images
        record = layout.importedImages
        socket = layout.socket
        ctr = programs.ctr
        snapshotter = options.snapshotter
        pauseImage = ImageReference(options.pauseImage)?.description
        self.logger = logger
    }

    /// The endings of archives, and the program that unpacks them: containerd before 1.7 reads none that is compressed.
    private static let endings: KeyValuePairs<String, String?> = [
        ".tar": nil, ".tar.gz": "gzip", ".tgz": "gzip", ".tar.zst": "zstd", ".tzst": "zstd", ".tar.lz4": "lz4",
        ".tar.bz2": "bzip2", ".tbz": "bzip2",
    ]

    /// Imports every archive that is new or has changed, or whose images have gone since, and pulls what is named
    /// in lists (`.txt`, a reference a line). The images are pinned. Returns the names of all of them, of those
    /// that were there already too. An archive that cannot be read is logged and passed over: it must not keep
    /// the node down.
    ///
    /// Only the files that are in `changed` are read, where that is known: another may be half written. `nil` reads all.
    @discardableResult
    public func importAll(_ client: CRIClient, changed: Set<String>? = nil) async throws -> [String] {
        let store = ContainerdImages(grpc: client.grpc)
        let pinnedBefore = try await store.names(withLabel: PauseImage.ownLabel, "pinned")
        var pass = Pass(
            before: ImportedArchives(json: (try? Files.read(record)) ?? []), present: Set(try await store.names()))
        for file in filesOfFolder() {
            let isRead = changed?.contains(file) ?? true
            do {
                if let ending = Self.endings.first(where: { file.hasSuffix($0.key) }) {
                    let images =
                        isRead ? try await take(file, unpacker: ending.value, &pass) : pass.keep(file)
                    pass.names += images
                    for image in images { pass.names += try await tag(image, store, client, &pass) }
                } else if file.hasSuffix(".txt") {
                    pass.names += try await pullList(Path.join(folder, file), isRead ? client : nil)
                }
            } catch where !Task.isCancelled {
                logger.error("cannot import \(Path.join(folder, file)), going on without it: \(error)")
            }
        }
        remember(pass)
        for name in pass.names { try await store.label(name, PauseImage.pinnedLabels) }
        // What has left the folder may be removed to make room again.
        let unpinned = PauseImage.pinnedLabels.mapValues { _ in "" }
        for name in pinnedBefore where !pass.names.contains(name) && name != pauseImage {
            try await store.label(name, unpinned)
        }
        return pass.names
    }

    /// One walk through the folder.
    private struct Pass {
        let before: ImportedArchives
        /// The images that there are, and that nothing in this walk has replaced.
        var present: Set<String>
        /// Those that have just been imported.
        var fresh: Set<String> = []
        var after = ImportedArchives()
        var names: [String] = []

        /// The images of an archive that is not looked at now, as they were.
        mutating func keep(_ file: String) -> [String] {
            after.keep(file, of: before)
            return after.images(of: file)
        }
    }

    private func filesOfFolder() -> [String] {
        guard Files.exists(folder) else { return [] }
        do {
            return try Files.list(folder).filter { !$0.hasPrefix(".") }
        } catch {
            logger.error("no images are imported: \(error)")
            return []
        }
    }

    /// Gives the image its further names where they are missing, or are those of an earlier one; returns them.
    private func tag(
        _ image: String, _ store: ContainerdImages, _ client: CRIClient, _ pass: inout Pass
    ) async throws -> [String] {
        let names = Self.names(of: image, in: registries)
        for name in names where pass.fresh.contains(image) || !pass.present.contains(name) {
            guard try await store.tag(image, as: name, labels: PauseImage.pinnedLabels) else { continue }
            try await client.untilImage(name, within: .seconds(10))
            pass.present.insert(name)
        }
        return names
    }

    /// `docker.io/rancher/pause:1` as the image of a registry, of which it keeps the path and the tag. What has no tag has
    /// no further name.
    static func names(of image: String, in registries: [String]) -> [String] {
        guard let reference = ImageReference(image), let tag = reference.tag, reference.digest == nil else { return [] }
        return registries.map { "\($0)/\(reference.repository):\(tag)" }.filter { $0 != image }
    }

    private func take(_ file: String, unpacker: String?, _ pass: inout Pass) async throws -> [String] {
        let path = Path.join(folder, file)
        // Taken first: what changes while it is read is read again by the next start.
        let stamp = try ImportedArchives.Stamp(ofFile: path)
        let images: [String]
        if let known = pass.before.images(of: file, stamp, among: pass.present) {
            images = known
        } else {
            images = try await importArchive(path, unpacker)
            logger.info("imported \(images.joined(separator: ", ")) from \(path)")
            // Of archives with the same image the last one counts, whichever of them have changed.
            pass.present.subtract(images)
            pass.fresh.formUnion(images)
        }
        pass.after.add(file, stamp, images: images)
        return images
    }

    /// Without it the next start imports again, which is slow and nothing worse.
    private func remember(_ pass: Pass) {
        guard pass.after != pass.before else { return }
        do {
            try Files.write(pass.after.json, to: record, mode: 0o600)
        } catch {
            logger.warning("it cannot be remembered which images were imported: \(error)")
        }
    }

    private func importArchive(_ path: String, _ unpacker: String?) async throws -> [String] {
        guard let ctr else {
            throw Fault(
                .notFound, "the program ctr is not on this machine",
                remedy: "install it (on Debian: apt-get install containerd)")
        }
        // gzip -dc FILE | ctr -n k8s.io images import -
        let arguments = [
            "-a", socket, "-n", containerdNamespace, "images", "import", "--snapshotter", snapshotter,
            unpacker == nil ? path : "-",
        ]
        let reader = Command(ctr, arguments)
        let output: Command.Output
        if let unpacker {
            var producer = Command(unpacker, ["-dc", path])
            producer.errors = .null
            output = try await reader.run(fedBy: producer)
        } else {
            output = try await reader.run()
        }
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

    /// The images of a list, each of which is here after that; without a client they are not looked for.
    private func pullList(_ path: String, _ client: CRIClient?) async throws -> [String] {
        var names: [String] = []
        for line in try Files.readText(path).split(whereSeparator: \.isNewline) {
            let text = line.filter { !$0.isWhitespace }
            guard !text.isEmpty, !text.hasPrefix("#"), let reference = ImageReference(text) else { continue }
            let image = CRI.ImageSpec(reference.description)
            if let client, try await client.imageStatus(image) == nil {
                _ = try await client.pullImage(image, auth: nil, sandboxConfig: nil)
            }
            names.append(reference.description)
        }
        return names
    }
}
