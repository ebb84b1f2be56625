import Support
import Synchronization

/// What takes long with the volumes of pods: asking drivers, waiting until something is attached. It is done beside the
/// pods' workers, of which there are few, one operation at a time for each thing.
final class VolumeOperations: Sendable {
    struct Key: Hashable, Sendable {
        var podUID: String
        /// What is done, and with which volume.
        var what: String
    }

    typealias Body = @Sendable () async throws(Fault) -> Void

    private enum Entry {
        case running(cancel: Bell)
        case ended(Fault?)
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private let stream: AsyncStream<(Key, Bell, Body)>
    private let input: AsyncStream<(Key, Bell, Body)>.Continuation
    private let ended: @Sendable (_ podUID: String) -> Void

    /// `ended` is called when an operation has ended, well or not. It must return at once.
    init(ended: @escaping @Sendable (_ podUID: String) -> Void) {
        (stream, input) = AsyncStream.makeStream()
        self.ended = ended
    }

    /// Starts the operation, or asks after it: returns when it has ended well, fails as it did, once each, and says
    /// otherwise that it is under way.
    func perform(_ key: Key, _ body: @escaping Body) throws(Fault) {
        let cancel = Bell()
        let entry = entries.withLock { entries in
            defer {
                switch entries[key] {
                case .ended: entries[key] = nil
                case nil: entries[key] = .running(cancel: cancel)
                case .running: break
                }
            }
            return entries[key]
        }
        switch entry {
        case .ended(nil): return
        case .ended(let fault?): throw fault
        case .running: throw .underWay("\(key.what) is under way")
        case nil:
            input.yield((key, cancel, body))
            throw .underWay("\(key.what) begins")
        }
    }

    /// Breaks off what is under way for a pod, and forgets what has ended. Returns whether nothing is under way.
    func cancel(podUID: String, except kept: (Key) -> Bool = { _ in false }) -> Bool {
        let running = entries.withLock { entries in
            var running: [Bell] = []
            for (key, entry) in entries where key.podUID == podUID && !kept(key) {
                if case .running(let bell) = entry { running.append(bell) } else { entries[key] = nil }
            }
            return running
        }
        for bell in running { bell.ring() }
        return running.isEmpty
    }

    /// Whether something is under way for a pod.
    func isBusy(podUID: String) -> Bool {
        entries.withLock { entries in
            entries.contains { entry in
                guard entry.key.podUID == podUID, case .running = entry.value else { return false }
                return true
            }
        }
    }

    /// Runs what is started until cancelled. Run it once.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await (key, cancel, body) in stream {
                group.addTask { await self.run(key, cancel, body) }
            }
            group.cancelAll()
        }
    }

    private enum Outcome {
        case ended(Fault?)
        case brokenOff
    }

    private func run(_ key: Key, _ cancel: Bell, _ body: @escaping Body) async {
        let fault = await withTaskGroup(of: Outcome.self) { group -> Fault? in
            group.addTask {
                do throws(Fault) { try await body() } catch { return .ended(error) }
                return .ended(nil)
            }
            group.addTask {
                await cancel.wait()
                return .brokenOff
            }
            // Broken off or not, the work itself is waited for.
            var fault: Fault?
            while let next = await group.next() {
                group.cancelAll()
                if case .ended(let outcome) = next { fault = outcome }
            }
            return fault
        }
        entries.withLock { $0[key] = .ended(fault) }
        ended(key.podUID)
    }
}
