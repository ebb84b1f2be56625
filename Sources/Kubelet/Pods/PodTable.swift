import API
import APIMachinery
import Client
import Synchronization

/// All pods of the node, by uid; and which containers are whose.
final class PodTable: PodDirectory {
    private struct State {
        var records: [String: PodRecord] = [:]
        /// Pods by the ids of their sandboxes and containers.
        var owners: [String: String] = [:]
    }

    private let state = Mutex(State())

    // MARK: For whoever asks

    func pods() -> [Pod] { records.compactMap(Self.shown) }

    func pod(namespace: String, name: String) -> Pod? {
        let wanted = ObjectName(namespace: namespace, name: name)
        let candidates = records.filter { record in
            let present = record.present
            return present.object?.objectName == wanted && !present.isGone
        }
        return candidates.lazy.compactMap(Self.shown).first
    }

    private static func shown(_ record: PodRecord) -> Pod? {
        let present = record.present
        guard let object = present.object, !present.isGone else { return nil }
        var pod = Pod(object)
        if let status = present.status { pod.status = status }
        return pod
    }

    // MARK: For the kubelet

    var records: [PodRecord] { state.withLock { Array($0.records.values) } }

    subscript(uid: String) -> PodRecord? { state.withLock { $0.records[uid] } }

    /// The record of a pod, made if need be.
    func record(_ uid: String) -> PodRecord {
        state.withLock { state in
            if let record = state.records[uid] { return record }
            let record = PodRecord(uid: uid)
            state.records[uid] = record
            return record
        }
    }

    /// Takes note of a change in the API. Returns the pods that it is about.
    func take(_ change: ObjectChange) -> [String] {
        var touched: [String] = []
        if let old = change.old, change.new?.uid != old.uid {
            if let record = self[old.uid] {
                record.change { $0.isGone = true }
                touched.append(old.uid)
            }
        }
        if let new = change.new {
            record(new.uid).change { state in
                state.object = new
                state.isGone = false
            }
            touched.append(new.uid)
        }
        return touched
    }

    /// A pod that only the runtime, or the disk, knows.
    func adopt(_ uid: String) {
        let record = record(uid)
        record.change { if $0.object == nil { $0.isGone = true } }
    }

    func remove(_ uid: String) {
        state.withLock { state in
            state.records[uid] = nil
            state.owners = state.owners.filter { $0.value != uid }
        }
    }

    /// Events name containers and sandboxes by their ids.
    func own(_ ids: some Sequence<String>, _ uid: String) {
        state.withLock { state in for id in ids { state.owners[id] = uid } }
    }

    func owner(of id: String) -> String? { state.withLock { $0.owners[id] } }
}
