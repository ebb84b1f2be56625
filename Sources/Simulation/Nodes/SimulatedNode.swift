import API
import APIMachinery
import Client
import Support
import Synchronization

/// A machine with a kubelet: a client of the API like any other, whose containers are only remembered.
///
/// It registers, renews its lease, runs the pods that are bound to it after the delays of their plans, and ends them
/// when they shall end. It can be cut off, and started again with nothing left of what it ran.
final class SimulatedNode: Sendable {
    private struct State {
        var pods: [ObjectName: Pod] = [:]
        var lives: [ObjectName: PodLife] = [:]
        /// Addresses given to pods.
        var addresses = 0
        /// Which start of the machine this is.
        var boot = 0
        /// As it was written last; `nil` when it may be otherwise.
        var lease: Lease?
    }

    let name: String
    private let number: Int
    private let world: World
    private let client: UnreliableClient
    private let dice: Dice
    private let capacity: [String: String]
    private let labels: [String: String]
    private let witness: Witness
    private let state = Mutex(State())

    static let heartbeat: Duration = .seconds(10)

    init(
        _ number: Int, _ world: World, _ client: UnreliableClient, _ witness: Witness,
        capacity: [String: String] = ["cpu": "6", "memory": "8Gi", "ephemeral-storage": "100Gi", "pods": "110"]
    ) {
        self.number = number
        name = "node-\(number)"
        self.world = world
        self.client = client
        self.capacity = capacity
        self.witness = witness
        dice = world.dice("node \(number)")
        labels = [
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            "topology.kubernetes.io/zone": number % 2 == 0 ? "even" : "odd",
        ]
    }

    private var address: String { "10.0.\(1 + number / 250).\(1 + number % 250)" }

    /// The machine is started anew: nothing that ran before does.
    func reboot() {
        let lives = state.withLock { state in
            defer { (state.lives, state.pods, state.boot, state.lease) = ([:], [:], state.boot + 1, nil) }
            return state.lives
        }
        for (pod, life) in lives where life.isRunning { witness.ended(pod, uid: life.uid, on: name) }
    }

    /// Until the task is cancelled, which is as if the cable was pulled: what runs goes on.
    func run() async {
        let queue = WorkQueue<ObjectName>(backOff: .init(first: .milliseconds(100), most: .seconds(10)), clock: world.clock)
        // What happened while nobody could be told.
        for name in state.withLock({ $0.lives.keys.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) } }) {
            queue.add(name)
        }
        await withTaskGroup { group in
            group.addTask { await self.beat() }
            group.addTask { await self.follow(queue) }
            await queue.run(workers: 4) { [witness] (name: ObjectName, status: Status) in
                witness.refused(name, status)
            } _: { name throws(Status) in
                try await self.keep(name)
            }
            group.cancelAll()
        }
    }

    // MARK: The node

    private func beat() async {
        while !Task.isCancelled {
            do throws(Status) {
                try await register()
                try await renewLease()
                await world.pause(Self.heartbeat)
            } catch {
                await world.pause(.seconds(1))
            }
        }
    }

    private func register() async throws(Status) {
        if try await isRegistered() { return }
        let present: Node
        if let found = try await client.find(Node.self, ObjectName(name: name)) {
            present = found
        } else {
            var node = Node(name: name)
            node.metadata.labels = labels
            present = try await client.create(node)
        }
        let now = world.now()
        let ready = present.status.conditions.first { $0.type == "Ready" }
        guard ready?.status != "True" else { return }
        let status: Value = [
            "capacity": Value(capacity), "allocatable": Value(capacity),
            "addresses": [["type": "InternalIP", "address": .string(address)]],
            "conditions": [
                [
                    "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated",
                    "lastHeartbeatTime": .string(now.description), "lastTransitionTime": .string(now.description),
                ]
            ],
            "nodeInfo": ["bootID": .string("boot-\(state.withLock(\.boot))")],
        ]
        try await client.patch(
            Node.self, ObjectName(name: name), subresource: "status", .strategicMerge(["status": status]))
    }

    /// Whether the node's object is there, and says that it is ready. Most of the time it is.
    private func isRegistered() async throws(Status) -> Bool {
        do throws(Status) {
            let node = try await client.get(Target(.nodes, ObjectName(name: name)))
            let conditions = node.value(at: "status", "conditions")?.array ?? []
            return conditions.contains { $0["type"] == "Ready" && $0["status"] == "True" }
        } catch {
            guard error.isNotFound else { throw error }
            return false
        }
    }

    private func renewLease() async throws(Status) {
        let name = ObjectName(namespace: "kube-node-lease", name: name)
        var found = state.withLock { state in
            defer { state.lease = nil }
            return state.lease
        }
        if found == nil { found = try await client.find(Lease.self, name) }
        var lease = found ?? Lease(namespace: name.namespace, name: name.name)
        lease.spec.holderIdentity = self.name
        lease.spec.leaseDurationSeconds = 40
        lease.spec.renewTime = world.now()
        let written = found == nil ? try await client.create(lease) : try await client.update(lease)
        state.withLock { $0.lease = written }
    }

    // MARK: Its pods

    /// Lists and watches the pods that are bound to the node, again and again.
    private func follow(_ queue: WorkQueue<ObjectName>) async {
        let options = ListOptions(fieldSelector: "spec.nodeName=\(name)")
        while !Task.isCancelled {
            do throws(Status) {
                let list = try await client.list(Target(.pods), options)
                replace(by: list.items, queue)
                var following = options
                following.revision = list.revision
                var events = try await client.watch(Target(.pods), following).makeAsyncIterator()
                while let batch = try await events.next() {
                    for event in batch { take(event, queue) }
                }
            } catch {}
            await world.pause(.milliseconds(500))
        }
    }

    private func replace(by objects: [StoredObject], _ queue: WorkQueue<ObjectName>) {
        let present = Dictionary(uniqueKeysWithValues: objects.map { ($0.objectName, Pod($0)) })
        let gone = state.withLock { state in
            let gone = state.pods.keys.filter { present[$0] == nil }
            state.pods = present
            return gone.sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
        }
        for name in gone + objects.map(\.objectName) { queue.add(name) }
    }

    private func take(_ event: WatchEvent, _ queue: WorkQueue<ObjectName>) {
        switch event {
        case .added(let object), .modified(let object):
            state.withLock { $0.pods[object.objectName] = Pod(object) }
            queue.add(object.objectName)
        case .deleted(let object):
            state.withLock { $0.pods[object.objectName] = nil }
            queue.add(object.objectName)
        case .bookmark: break
        }
    }

    /// Makes true what is due for one pod, tells it, and says when to look again.
    private func keep(_ name: ObjectName) async throws(Status) -> Duration? {
        let now = world.now()
        guard let (pod, life, step) = move(name, now) else { return nil }
        let status = life.status(of: pod, hostIP: address, at: now)
        if !Self.tells(pod, status) {
            let patch: Value = ["metadata": ["uid": .string(life.uid)], "status": Self.replacing(status)]
            // Of a pod that is gone, or another by now, the watch tells before long.
            try await client.patch(Pod.self, name, subresource: "status", .strategicMerge(patch))
        }
        switch step {
        case .wait(let until):
            return [until, life.readyAt(after: now)].compactMap(\.self).min().map { $0 - world.now() }
        case .remove:
            let options = DeletionOptions(gracePeriodSeconds: 0, preconditionUID: life.uid)
            do throws(Status) {
                _ = try await client.delete(Target(.pods, name), options)
            } catch {
                // After a conflict it is tried again: whether it is another pod by now, the watch tells.
                guard error.isNotFound else { throw error }
            }
            return nil
        }
    }

    private func move(_ name: ObjectName, _ now: Timestamp) -> (pod: Pod, life: PodLife, step: PodLife.Step)? {
        let old = state.withLock { $0.lives[name] }
        let moved = take(name, now)
        // What runs now and did not, and the other way round.
        if let old, old.isRunning, moved?.life.uid != old.uid || moved?.life.isRunning == false {
            witness.ended(name, uid: old.uid, on: self.name)
        }
        if let (pod, life, _) = moved, life.isRunning, old?.uid != life.uid || old?.isRunning == false {
            witness.began(pod, on: self.name)
        }
        return moved
    }

    private func take(_ name: ObjectName, _ now: Timestamp) -> (pod: Pod, life: PodLife, step: PodLife.Step)? {
        state.withLock { state in
            guard let pod = state.pods[name] else {
                state.lives[name] = nil
                return nil
            }
            var life: PodLife
            if let known = state.lives[name], known.uid == pod.metadata.uid {
                life = known
            } else {
                state.addresses += 1
                let ip = "10.42.\(number % 250).\(1 + state.addresses % 250)"
                life = PodLife(pod, PodPlan(for: pod, dice), ip: ip, at: now)
            }
            let step = life.advance(pod, to: now)
            state.lives[name] = life
            return (pod, life, step)
        }
    }

    /// A patch after which the addresses are these alone, and not the earlier ones beside them.
    private static func replacing(_ status: Value) -> Value {
        var patch = status
        for key in ["podIPs", "hostIPs"] {
            if let list = status[key]?.array { patch[key] = .array([["$patch": "replace"]] + list) }
        }
        return patch
    }

    /// Whether the pod's status says all of this already.
    private static func tells(_ pod: Pod, _ status: Value) -> Bool {
        for (key, value) in status.fields ?? Fields() {
            if key == "conditions" {
                let present = pod.value.at("status", "conditions")?.array ?? []
                for condition in value.array ?? [] where !present.contains(condition) { return false }
            } else if pod.value.at("status", key) != value {
                return false
            }
        }
        return true
    }
}
