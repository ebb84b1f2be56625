import Client
import Host
import Logging
import Runtime
import Support
import Synchronization

/// Registers the plug-ins whose sockets appear in a folder, and lets them go when their sockets do.
///
/// A plug-in makes a socket in the folder, or in a folder in it; it is asked there what it is, handed to the handler of
/// its type, and told how that went (Kubernetes documentation, "Plugin registration"). The kernel tells of sockets that
/// come and go; nothing is polled. After a restart the sockets that are there are new ones.
final class PluginRegistry: Sendable {
    typealias Connector = @Sendable (_ socket: String) -> any PluginRegistrar

    /// A socket at which nobody listens is tried this often, for it may be one that was made this moment; then it is
    /// the rest of a plug-in that was killed, until the folder changes.
    private static let attempts = 12

    private struct Socket {
        /// Counts how often it was made or removed: what was learned of an earlier one is void.
        var generation = 0
        var registered: (generation: Int, plugin: RegisteredPlugin)?
        var failures = 0
    }

    private let folder: String
    /// By type.
    private let handlers: [String: any PluginHandler]
    private let connect: Connector
    private let log: Logger
    private let sockets = Mutex<[String: Socket]>([:])
    private let queue: WorkQueue<String>

    init(
        folder: String, handlers: [String: any PluginHandler], log: Logger, firstPause: Duration = .milliseconds(100),
        connect: @escaping Connector = { PluginRegistrarClient(socket: $0) }
    ) {
        self.folder = folder
        self.handlers = handlers
        self.log = log
        self.connect = connect
        queue = WorkQueue(backOff: .init(first: firstPause, most: .seconds(60)))
    }

    /// Keeps what is registered true until cancelled. Run it once.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watch() }
            group.addTask {
                await self.queue.run(workers: 4) { [log = self.log] (socket: String, fault: Fault) in
                    if !Task.isCancelled { log.warning("cannot register the plug-in at \(socket): \(fault.summary)") }
                } _: { socket throws(Fault) in
                    try await self.look(at: socket)
                    return nil
                }
            }
        }
    }

    // MARK: Causes

    /// A folder that somebody removes is made again, and watched anew.
    private func watch() async {
        var pause = Duration.milliseconds(100)
        while !Task.isCancelled {
            do throws(Fault) {
                try Files.makeDirectory(folder, mode: 0o750)
                let watch = try FileWatch()
                try include(folder, in: watch)
                // What was there before is looked at again: it may be gone.
                for socket in sockets.withLock({ Array($0.keys) }) { queue.add(socket) }
                pause = .milliseconds(100)
                var events = watch.makeAsyncIterator()
                while let event = try await events.next() {
                    if event.isOverflow || event.path == folder && event.name == nil { break }
                    try take(event, watch)
                }
            } catch {
                log.warning("cannot watch for plug-ins in \(folder): \(error.summary)")
            }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(60))
        }
    }

    private func take(_ event: FileWatch.Event, _ watch: FileWatch) throws(Fault) {
        guard let name = event.name, !name.hasPrefix(".") else { return }
        let path = Path.join(event.path, name)
        guard !event.changes.isDisjoint(with: [.created, .movedHere]) else {
            if !event.changes.isDisjoint(with: [.deleted, .movedAway]) { note(path) }
            return
        }
        if isFolder(path) { try include(path, in: watch) } else { note(path) }
    }

    /// Watches a folder and all in it, and looks at the sockets that are there.
    private func include(_ folder: String, in watch: FileWatch) throws(Fault) {
        // Watched first, then read, so that nothing comes unseen.
        try watch.add(folder)
        for name in try Files.list(folder) where !name.hasPrefix(".") {
            let path = Path.join(folder, name)
            if isFolder(path) { try include(path, in: watch) } else { note(path) }
        }
    }

    private func isFolder(_ path: String) -> Bool {
        (try? Files.status(of: path, followingLinks: false))?.kind == .directory
    }

    private func note(_ path: String) {
        sockets.withLock { sockets in
            sockets[path, default: Socket()].generation += 1
            sockets[path]?.failures = 0
        }
        queue.add(path)
    }

    // MARK: One socket

    private func look(at path: String) async throws(Fault) {
        guard let socket = sockets.withLock({ $0[path] }) else { return }
        guard (try? Files.status(of: path))?.kind == .socket else {
            if let registered = socket.registered { try await deregister(registered.plugin) }
            sockets.withLock { sockets in
                if sockets[path]?.generation == socket.generation { sockets[path] = nil }
            }
            return
        }
        guard socket.registered?.generation != socket.generation else { return }
        let registrar = connect(path)
        guard let info = try await ask(registrar, path) else { return }
        let plugin = RegisteredPlugin(info: info, socket: path)
        if let old = socket.registered?.plugin, (old.info.type, old.name) != (info.type, info.name) {
            try await deregister(old)
        }
        do throws(Fault) {
            guard let handler = handlers[info.type] else {
                throw Fault(.unsupported, "no handler registered for plugin type: \(info.type) at socket \(path)")
            }
            try await handler.register(plugin)
        } catch {
            // It ends upon that, and comes again.
            try? await registrar.notify(error: error.summary)
            throw error
        }
        try await registrar.notify(error: nil)
        log.info("registered the plug-in \(plugin.name) of the type \(info.type)")
        sockets.withLock { $0[path]?.registered = (socket.generation, plugin) }
    }

    /// What it is; `nil` when nobody listens for good.
    private func ask(_ registrar: any PluginRegistrar, _ path: String) async throws(Fault) -> PluginInfo? {
        do throws(Fault) {
            return try await registrar.info()
        } catch where error.code == .unavailable {
            let failures = sockets.withLock { sockets in
                sockets[path]?.failures += 1
                return sockets[path]?.failures ?? 0
            }
            guard failures >= Self.attempts else { throw error }
            log.info("nobody listens at \(path)")
            return nil
        }
    }

    private func deregister(_ plugin: RegisteredPlugin) async throws(Fault) {
        try await handlers[plugin.info.type]?.deregister(plugin)
        log.info("the plug-in \(plugin.name) of the type \(plugin.info.type) is gone")
    }
}
