import APIMachinery
import Client
import Synchronization

/// A policy with the bindings that put it into force.
struct BoundPolicy: Sendable {
    let policy: AdmissionPolicy
    let bindings: [PolicyBinding]
}

/// The policies of one kind that are in force at this instant. A policy is compiled when it has changed, at the first
/// request after it.
final class LivePolicies: Sendable {
    private struct State {
        var policiesFrom: [StoredObject] = []
        var bindingsFrom: [StoredObject] = []
        var compiled: [String: (from: StoredObject, policy: AdmissionPolicy)] = [:]
        var present: [BoundPolicy] = []
    }

    private let kind: AdmissionPolicy.Kind
    private let policies: any ObjectSet
    private let bindings: any ObjectSet
    private let state = Mutex(State())

    init(_ kind: AdmissionPolicy.Kind, policies: any ObjectSet, bindings: any ObjectSet) {
        self.kind = kind
        self.policies = policies
        self.bindings = bindings
    }

    /// By name; those without a binding are in force nowhere.
    var present: [BoundPolicy] {
        let (policies, bindings) = (policies.list(namespace: nil), bindings.list(namespace: nil))
        if policies.isEmpty || bindings.isEmpty { return [] }
        let known: [BoundPolicy]? = state.withLock { state in
            let isSame =
                state.policiesFrom.elementsEqual(policies, by: ===)
                && state.bindingsFrom.elementsEqual(bindings, by: ===)
            return isSame ? state.present : nil
        }
        if let known { return known }
        // Outside of the lock: compiling takes its time, and doing it twice does no harm.
        let old = state.withLock(\.compiled)
        var compiled: [String: (from: StoredObject, policy: AdmissionPolicy)] = [:]
        for object in policies {
            if let before = old[object.name], before.from === object {
                compiled[object.name] = before
            } else {
                compiled[object.name] = (object, AdmissionPolicy(object.value, kind))
            }
        }
        let read = Dictionary(grouping: bindings.map { PolicyBinding($0.value) }, by: \.policy)
        let present = policies.compactMap { object -> BoundPolicy? in
            guard let policy = compiled[object.name]?.policy, let bindings = read[object.name] else { return nil }
            return BoundPolicy(policy: policy, bindings: bindings)
        }
        state.withLock {
            $0 = State(policiesFrom: policies, bindingsFrom: bindings, compiled: compiled, present: present)
        }
        return present
    }
}
