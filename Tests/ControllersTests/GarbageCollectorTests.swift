import API
import APIMachinery
import Client
import Support
import Testing

@testable import Controllers

@Suite struct GarbageCollectorTests {
    @Test func `objects follow their owners`() {
        var metadata = ObjectMeta()
        var owners: [String: CollectionDecision.OwnerState] = [:]
        Conversation(
            """
            object
            owner a present
            decide
            ----
            nothing

            owner b absent
            decide
            ----
            disown b

            object
            owner a absent
            decide
            ----
            delete Background

            object
            owner a waiting
            decide
            decide dependents
            decide dependents circle
            ----
            delete Background
            delete Foreground
            leave circle

            # One that cannot be told spares the object, and its other owners.
            object
            owner a absent
            owner b untold
            decide
            ----
            nothing

            # Orphaning asked for before the owner went.
            object finalizer=orphan
            owner a absent
            decide
            ----
            delete Orphan

            object deleting=yes finalizer=orphan
            decide dependents
            ----
            orphan

            object deleting=yes finalizer=foregroundDeletion
            decide dependents blocked
            decide dependents
            ----
            nothing
            unblock
            """
        ).check { command in
            let options = options(command)
            switch command[0] {
            case "object":
                (metadata, owners) = (ObjectMeta(), [:])
                if options["deleting"] != nil { metadata.deletionTimestamp = Timestamp(seconds: 1) }
                metadata.finalizers = [options["finalizer"]].compactMap(\.self)
            case "owner":
                var reference = OwnerReference()
                reference.uid = command[1]
                metadata.ownerReferences.append(reference)
                owners[command[1]] =
                    ["present": .present, "waiting": .waiting, "absent": .absent, "untold": .untold][command[2]]
            default:
                let decision = CollectionDecision(
                    metadata: metadata, owners: owners, hasDependents: command.contains("dependents"),
                    hasWaitingDependent: command.contains("circle"),
                    isBlocked: command.contains("blocked"))
                switch decision.action {
                case nil: return ["nothing"]
                case .disown(let uids): return ["disown " + uids.joined(separator: " ")]
                case .delete(let propagation): return ["delete " + propagation.rawValue]
                case .leaveCircle: return ["leave circle"]
                case .orphanDependents: return ["orphan"]
                case .removeForegroundFinalizer: return ["unblock"]
                }
            }
            return []
        }
    }

    @Test func `the graph tells whom a change concerns`() {
        func node(_ owners: [String], isDeleting: Bool = false) -> OwnershipGraph.Node {
            OwnershipGraph.Node(
                resource: 0, name: ObjectName(name: "x"), owners: owners, isDeleting: isDeleting)
        }
        var graph = OwnershipGraph()
        #expect(graph.put("owner", node([])) == [])
        #expect(graph.put("a", node(["owner"])) == [])
        #expect(graph.put("b", node(["missing"])) == ["b"], "an owner that is not known is looked for")
        #expect(graph.put("owner", node([], isDeleting: true)) == ["owner", "a"])
        #expect(graph.put("a", node(["owner"])) == ["a", "owner"])
        #expect(graph.remove("a") == ["owner"], "the end of a dependent may free its owner")
        #expect(graph.put("c", node(["owner"])) == ["c", "owner"])
        #expect(graph.remove("owner") == ["c"], "the end of an owner concerns what it owned")
        #expect(graph.remove("c") == [])
        #expect(graph.dependents(of: "owner").isEmpty)
    }
}
