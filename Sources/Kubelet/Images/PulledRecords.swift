import Host
import Logging
import PKI
import Support
import Synchronization

/// The records of all images that the kubelet has pulled, as files below `image_manager`, as Kubernetes has them: an
/// intent while a pull goes on, a record when it has ended well.
final class PulledRecords: Sendable {
    private struct State: Sendable {
        /// By the ids of images.
        var records: [String: PulledRecord] = [:]
        /// Names of images that are being pulled, or were when a kubelet died.
        var intents: Set<String> = []
    }

    private let folder: String
    private let log: Logger
    private let state: Mutex<State>

    /// Reads what there is; what cannot be read counts as pulled by somebody unknown.
    init(_ folder: String, log: Logger) {
        self.folder = folder
        self.log = log
        var state = State()
        for name in (try? Files.list(folder + "/pulled")) ?? [] {
            let path = Path.join(folder, "pulled/" + name)
            if let bytes = try? Files.read(path), let record = PulledRecord(json: bytes) {
                state.records[record.imageRef] = record
            }
        }
        for name in (try? Files.list(folder + "/pulling")) ?? [] {
            let path = Path.join(folder, "pulling/" + name)
            if let bytes = try? Files.read(path), let image = PullIntent.image(bytes) { state.intents.insert(image) }
        }
        self.state = Mutex(state)
    }

    func record(_ imageRef: String) -> PulledRecord? { state.withLock { $0.records[imageRef] } }

    /// Whether this image, under the name that is given, was brought by a kubelet.
    func wasPulled(_ imageRef: String, as image: String) -> Bool {
        state.withLock { $0.records[imageRef] != nil || $0.intents.contains(image) }
    }

    /// Whether pods with one of these may use the image under this name. A secret that opened it by what is in it
    /// alone is remembered, so that it does so when that is changed (KEP 2535).
    func allows(
        _ imageRef: String, _ name: String, _ sources: [PulledRecord.Source], now: Timestamp
    ) -> Bool {
        let (isAllowed, changed) = state.withLock { state -> (Bool, PulledRecord?) in
            guard var record = state.records[imageRef] else { return (false, nil) }
            switch record.verdict(name, sources) {
            case .refused: return (false, nil)
            case .allowed: return (true, nil)
            case .allowedAnew(let source):
                record.add(name, source, at: now)
                state.records[imageRef] = record
                return (true, record)
            }
        }
        if let changed { write(changed.json, "pulled", changed.imageRef) }
        return isAllowed
    }

    /// A pull of this image begins.
    func begin(_ image: String) {
        let isNew = state.withLock { $0.intents.insert(image).inserted }
        if isNew { write(PullIntent.json(image), "pulling", image) }
    }

    /// It has ended; `imageRef` is what came of it, by the credentials of `source`: `nil` when none of a pod were needed.
    func end(_ image: String, name: String, imageRef: String?, _ source: PulledRecord.Source?, now: Timestamp) {
        let changed = state.withLock { state -> PulledRecord? in
            state.intents.remove(image)
            guard let imageRef else { return nil }
            var record = state.records[imageRef] ?? PulledRecord(imageRef: imageRef, updated: now)
            let before = state.records[imageRef]
            record.add(name, source, at: now)
            state.records[imageRef] = record
            return record == before ? nil : record
        }
        if let changed { write(changed.json, "pulled", changed.imageRef) }
        remove("pulling", image)
    }

    /// The images of the node were these at `time`: what was told of others by then is forgotten.
    func keep(_ images: Set<String>, at time: Timestamp) {
        let gone = state.withLock { state in
            let gone = state.records.filter { !images.contains($0.key) && $0.value.updated < time }.map(\.key)
            for image in gone { state.records[image] = nil }
            return gone
        }
        for image in gone { remove("pulled", image) }
    }

    private func path(_ kind: String, _ key: String) -> String {
        Path.join(folder, "\(kind)/sha256-\(Hex.encode(Digest.sha256(key.utf8)))")
    }

    private func write(_ json: [UInt8], _ kind: String, _ key: String) {
        do throws(Fault) {
            try Files.makeDirectory(Path.join(folder, kind), mode: 0o700)
            try Files.write(json, to: path(kind, key), mode: 0o600)
        } catch {
            log.warning("whose credentials brought an image does not outlive a restart: \(error)")
        }
    }

    private func remove(_ kind: String, _ key: String) {
        let file = path(kind, key)
        if Files.exists(file) { try? Files.remove(file) }
    }
}
