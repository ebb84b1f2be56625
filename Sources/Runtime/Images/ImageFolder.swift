import Host
import Logging
import Support
import Synchronization

/// Imports the archives of a node's folder when the runtime first answers, and from then on each that is put there or
/// changed, as soon as it is written (as k3s since 1.33).
public final class ImageFolder: Sendable {
    /// What has not been looked at yet.
    struct News: Hashable, Sendable {
        var files: Set<String> = []
        /// Nobody knows what has changed.
        var isAll = false

        /// A file has changed; whether there is anything to do. Hidden files are none of ours.
        mutating func note(_ name: String) -> Bool {
            guard !name.hasPrefix(".") else { return false }
            files.insert(name)
            return true
        }
    }

    private static let changes = FileWatch.Changes.entries

    private let archives: ImageArchives
    private let socket: String
    private let news = Mutex(News())
    private let bell = Bell()
    private let watch = Mutex<FileWatch?>(nil)
    private let hasBegun = Mutex(false)
    private let begun = Bell()

    /// Does nothing yet.
    public init(_ archives: ImageArchives, layout: ContainerdLayout) {
        (self.archives, socket) = (archives, layout.socket)
    }

    /// The runtime answers. For the first time all is imported before this returns, so that no pod asks in vain; later, after
    /// a restart of containerd, beside the pods.
    public func take(_ client: CRIClient) async throws {
        let isFirst = hasBegun.withLock { hasBegun in
            defer { hasBegun = true }
            return !hasBegun
        }
        guard isFirst else { return noteAll() }
        // Before they are read: what changes meanwhile is not missed.
        do throws(Fault) {
            let fresh = try FileWatch()
            try fresh.add(archives.folder, for: Self.changes)
            watch.withLock { $0 = fresh }
        } catch {
            archives.logger.warning("\(archives.folder) is not followed: \(error)")
        }
        defer { begun.ring() }
        try await archives.importAll(client)
    }

    /// Follows the folder until cancelled, once ``take(_:)`` has imported what was there.
    public func run() async {
        await begun.wait()
        guard !Task.isCancelled else { return }
        await withTaskGroup { group in
            group.addTask { await self.follow() }
            group.addTask { await self.importNews() }
        }
    }

    private func follow() async {
        guard let watch = watch.withLock(\.self) else { return }
        do throws(Fault) {
            var events = watch.makeAsyncIterator()
            while let event = try await events.next() {
                let isEnded = !event.changes.isDisjoint(with: .ended)
                if isEnded {
                    // Somebody took the folder away: the next archives are looked for in a new one.
                    watch.remove(archives.folder)
                    try Files.makeDirectory(archives.folder, mode: 0o700)
                    try watch.add(archives.folder, for: Self.changes)
                }
                if isEnded || event.isOverflow {
                    noteAll()
                } else if let name = event.name {
                    // What is begun is read when it is written; a link comes as it is.
                    if event.changes == .created, isFile(name) { continue }
                    if news.withLock({ $0.note(name) }) { bell.ring() }
                }
            }
        } catch {
            archives.logger.warning("\(archives.folder) is not followed any more: \(error)")
        }
    }

    private func noteAll() {
        news.withLock { $0.isAll = true }
        bell.ring()
    }

    private func isFile(_ name: String) -> Bool {
        (try? Files.status(of: Path.join(archives.folder, name), followingLinks: false))?.kind == .regular
    }

    private func importNews() async {
        let client = CRIClient(socket: socket)
        defer { client.close() }
        while true {
            await bell.wait()
            guard !Task.isCancelled else { return }
            let found = news.withLock { news in
                defer { news = News() }
                return news
            }
            do {
                try await archives.importAll(client, changed: found.isAll ? nil : found.files)
            } catch {
                // A containerd that is not there asks for all when it is there again.
                if !Task.isCancelled { archives.logger.warning("images are not imported now: \(error)") }
            }
        }
    }
}
