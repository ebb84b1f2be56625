import APIMachinery
import Client
import Datastore
import Synchronization

/// The names that definitions have in their groups.
///
/// Operators bring dozens of definitions of one group at once, each of hundreds of kilobytes: every version of a
/// definition is read once, however often the others ask for its names.
final class DefinitionNames: Sendable {
    private struct Known {
        var revision: Revision
        var group: String
        var accepted: CustomDefinition.Names
        var isRefused: Bool

        init(_ object: StoredObject) {
            let definition = CustomDefinition(object)
            revision = object.revision
            group = definition.group
            accepted = definition.acceptedNames
            isRefused = definition.condition("NamesAccepted")?["status"] == "False"
        }
    }

    private let definitions: any ObjectSet
    private let known = Mutex<[String: Known]>([:])

    init(_ definitions: any ObjectSet) { self.definitions = definitions }

    /// The names that kinds of other definitions in the group have.
    func taken(in group: String, besides name: String) -> DefinitionConditions.Taken {
        var taken = DefinitionConditions.Taken()
        for (_, other) in others(in: group, besides: name) { taken.add(other.accepted) }
        return taken
    }

    /// The other definitions in the group that did not get all the names they want.
    func refused(in group: String, besides name: String) -> [String] {
        others(in: group, besides: name).filter(\.known.isRefused).map(\.name)
    }

    private func others(in group: String, besides name: String) -> [(name: String, known: Known)] {
        // The name of a definition ends with its group.
        let present = definitions.list(namespace: nil).filter { $0.name.hasSuffix("." + group) }
        return known.withLock { known in
            var kept: [(name: String, known: Known)] = []
            for object in present {
                let read = known[object.name].flatMap { $0.revision == object.revision ? $0 : nil } ?? Known(object)
                known[object.name] = read
                if object.name != name, read.group == group { kept.append((object.name, read)) }
            }
            return kept
        }
    }

    /// The definition is gone.
    func forget(_ name: String) { known.withLock { $0[name] = nil } }
}
