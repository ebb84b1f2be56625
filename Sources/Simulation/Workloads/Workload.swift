import API
import APIMachinery
import APIServer
import Client
import Support

/// What users do to a cluster, one random thing after the other.
///
/// The names are few, so that things meet: a deployment is made again while its predecessor is still ending.
struct Workload: Sendable {
    /// Something that a user may do, and how often next to the others.
    struct Kind: Sendable {
        var name: String
        var weight: Int
        /// Does it, and says to what; `nil` when there is nothing to do it to.
        var act: @Sendable (Workload) async throws(Status) -> String?
    }

    let cluster: SimulatedCluster
    let dice: Dice
    /// When jobs come that come by the clock.
    let schedule: String

    init(_ cluster: SimulatedCluster, schedule: String) {
        self.cluster = cluster
        self.schedule = schedule
        dice = cluster.world.dice("workload")
    }

    static let namespaces = ["blue", "green"]
    static let all: [Kind] = deployments + replicaSets + statefulSets + daemonSets + jobs + cronJobs + services
        + pods + nodes + namespacesAndQuotas + budgets + storage + autoscalers

    /// Makes what the operations work in.
    func prepare() async throws(Status) {
        for name in Self.namespaces { try await client().create(Namespace(name: name)) }
        try await prepareStorage()
    }

    /// Does something. Returns what it was; refusals that users may meet are part of it.
    func step() async throws(Status) -> String {
        var ticket = dice.number(in: 0...(Self.all.reduce(0) { $0 + $1.weight } - 1))
        for kind in Self.all {
            ticket -= kind.weight
            guard ticket < 0 else { continue }
            do throws(Status) {
                return "\(kind.name) \(try await kind.act(self) ?? "of nothing")"
            } catch {
                guard Self.mayMeet(error) else { throw error }
                return "\(kind.name) refused: \(error.code) \(error.message)"
            }
        }
        return "nothing"
    }

    /// Not there, already there, changed by others, no room, not now, or killed on the way: anything else is a mistake
    /// of whoever asked or of whoever answered.
    private static func mayMeet(_ error: Status) -> Bool {
        [403, 404, 409, 429, 503].contains(error.code)
            || error.code == 500 && error.message.contains("the server was killed")
    }

    // MARK: For the operations

    func client() throws(Status) -> LocalClient { try cluster.admin() }

    func namespace() -> String { dice.element(of: Self.namespaces) ?? "" }

    /// `d1` ... `d3` of a namespace.
    func name(_ prefix: String, of count: Int = 3) -> ObjectName {
        ObjectName(namespace: namespace(), name: prefix + String(dice.number(in: 1...count)))
    }

    /// One of those that are there.
    func present<R: ResourceView>(_: R.Type) async throws(Status) -> R? {
        dice.element(of: try await client().list(R.self).filter { Self.namespaces.contains($0.objectName.namespace) })
    }

    func propagation() -> DeletionOptions {
        let choice = dice.element(of: [DeletionOptions.Propagation.background, .background, .foreground, .orphan])
        return DeletionOptions(propagation: choice)
    }

    func delete<R: ResourceView>(_: R.Type) async throws(Status) -> String? {
        guard let object = try await present(R.self) else { return nil }
        let options = propagation()
        _ = try await client().delete(Target(R.resource, object.objectName), options)
        return "\(object.objectName), \(options.propagation?.rawValue ?? "")"
    }

    func scale<R: ResourceView>(_: R.Type, most: Int = 5) async throws(Status) -> String? {
        guard let object = try await present(R.self) else { return nil }
        let count = dice.number(in: 0...most)
        let patch: Value = ["spec": ["replicas": .integer(Int64(count))]]
        _ = try await client().patch(
            Target(R.resource, object.objectName, subresource: "scale"), .merge(patch), WriteOptions())
        return "\(object.objectName) to \(count)"
    }

    /// Another image, so that pods are replaced.
    func roll<R: ResourceView>(_: R.Type) async throws(Status) -> String? {
        guard let object = try await present(R.self) else { return nil }
        let image = "app:\(dice.number(in: 1...4))"
        let patch: Value = [
            "spec": ["template": ["spec": ["containers": [["name": "main", "image": .string(image)]]]]]
        ]
        _ = try await client().patch(Target(R.resource, object.objectName), .strategicMerge(patch), WriteOptions())
        return "\(object.objectName) to \(image)"
    }

    /// A pod without grace leaves the API before it has ended: nobody who needs one of a name at most asks for that.
    func template(app: String, graces: [Int] = [0, 5, 30]) -> Value {
        let cpu = dice.number(in: 0...3) * 100
        return [
            "metadata": ["labels": ["app": .string(app)]],
            "spec": [
                "terminationGracePeriodSeconds": .integer(Int64(dice.element(of: graces) ?? 30)),
                "containers": [
                    [
                        "name": "main", "image": "app:1",
                        "resources": ["requests": ["cpu": .string("\(cpu)m"), "memory": "64Mi"]],
                    ]
                ],
            ],
        ]
    }

    func create<R: ResourceView>(_: R.Type, _ name: ObjectName, _ spec: Value) async throws(Status) -> String {
        let object: Value = ["metadata": ["name": .string(name.name)], "spec": spec]
        _ = try await client().create(Target(R.resource, namespace: name.namespace), object, WriteOptions())
        return "\(name)"
    }
}
