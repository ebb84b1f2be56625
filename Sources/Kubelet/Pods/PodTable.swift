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
    let mirrors = MirrorTable()

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

    /// The pods that are not over, with the resources that they have.
    var activePods: [Pod] {
        records.compactMap { record in
            let present = record.present
            guard let pod = present.pod, !present.isGone, present.memory.end == nil,
                !["Succeeded", "Failed"].contains(present.status?.phase ?? pod.status.phase)
            else { return nil }
            return pod
        }
    }

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

    /// Takes note of a change in the API. Returns the pods that it is about, and the name of the mirror pod if it is
    /// one.
    func take(_ change: ObjectChange) -> (uids: [String], mirror: ObjectName?) {
        var (touched, mirror): ([String], ObjectName?) = ([], nil)
        if let old = change.old, change.new?.uid != old.uid {
            if mirrors.remove(old) {
                mirror = old.objectName
            } else if let record = self[old.uid] {
                record.change { $0.isGone = true }
                touched.append(old.uid)
            }
        }
        if let new = change.new {
            if isMirror(new) {
                mirrors.put(new)
                mirror = new.objectName
            } else {
                record(new.uid).change { state in
                    state.object = new
                    state.isGone = false
                }
                touched.append(new.uid)
            }
        }
        if let mirror { touched += named(mirror).filter(\.present.isStatic).map(\.uid) }
        return (touched, mirror)
    }

    /// What a pod is does not change, so that each is looked into once.
    private func isMirror(_ object: StoredObject) -> Bool {
        mirrors.has(object) || self[object.uid] == nil && Pod(object).isMirror
    }

    /// A pod that only the runtime, or the disk, knows; `name` as the runtime has it.
    func adopt(_ uid: String, name: ObjectName? = nil) {
        record(uid).change { state in
            guard state.object == nil else { return }
            state.isGone = true
            state.foundName = name ?? state.foundName
        }
    }

    /// Nothing of the pod is left here. Returns the pods that may begin by that.
    func remove(_ uid: String) -> [String] {
        let (last, next) = state.withLock { state in
            let last = state.records.removeValue(forKey: uid)?.present
            state.owners = state.owners.filter { $0.value != uid }
            let next = last?.successor.map { Self.insert($0, into: &state) }
            return (last, next)
        }
        guard let name = last?.name else { return [] }
        if last?.isStatic == true { mirrors.outdate(name) }
        return [next].compactMap(\.self) + named(name).filter(\.present.isStatic).map(\.uid)
    }

    // MARK: Pods from files

    /// A pod from a file. One that still leaves under the same uid goes first.
    func run(_ object: StoredObject) {
        state.withLock { state in
            guard let record = state.records[object.uid], record.present.isGone else {
                _ = Self.insert(object, into: &state)
                return
            }
            record.change { $0.successor = object }
        }
    }

    private static func insert(_ object: StoredObject, into state: inout State) -> String {
        let record = state.records[object.uid] ?? PodRecord(uid: object.uid)
        record.change { ($0.object, $0.isStatic) = (object, true) }
        state.records[object.uid] = record
        return object.uid
    }

    /// The file of the pod is gone, or says something else.
    func end(_ uid: String) { self[uid]?.change { ($0.isGone, $0.successor) = (true, nil) } }

    /// Whether another pod of this name still leaves: two at once would be in each other's way.
    func isHeld(_ name: ObjectName, besides uid: String) -> Bool {
        named(name).contains { $0.uid != uid && $0.present.isGone }
    }

    /// What the node has of its own under the name.
    func standing(of name: ObjectName) -> MirrorDecision.Standing {
        let own = named(name).map(\.present).filter(\.isStatic)
        if own.contains(where: \.isGone) { return .leaving }
        return own.first?.object.map { .running(Pod($0)) } ?? .none
    }

    private func named(_ name: ObjectName) -> [PodRecord] { records.filter { $0.present.name == name } }

    /// Events name containers and sandboxes by their ids.
    func own(_ ids: some Sequence<String>, _ uid: String) {
        state.withLock { state in for id in ids { state.owners[id] = uid } }
    }

    func owner(of id: String) -> String? { state.withLock { $0.owners[id] } }
}
