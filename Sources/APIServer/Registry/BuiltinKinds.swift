import API
import APIMachinery
import Client

/// How the built-in kinds are kept: which of them, where, and by what rules.
enum BuiltinKinds {
    /// The resources that are stored, each in its storage version, with the place of its objects in the log.
    static let stored: [ObjectLog.Stored] = BuiltinResources.shared.resources
        .filter { $0.isStored && storedResource(of: $0.resource) == $0.resource && !isAggregated($0) }
        .map { definition in
            let prefix = definition.etcdPrefix.isEmpty ? definition.resource.resource : definition.etcdPrefix
            return ObjectLog.Stored(resource: definition.resource, prefix: prefix)
        }

    /// Served in two versions, stored in one.
    private static let aliases: [GroupVersionResource: GroupVersionResource] = [
        GroupVersionResource(group: "events.k8s.io", version: "v1", resource: "events"): .events,
        GroupVersionResource(group: "autoscaling", version: "v1", resource: "horizontalpodautoscalers"):
            GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers"),
    ]

    static func storedResource(of resource: GroupVersionResource) -> GroupVersionResource {
        aliases[resource] ?? resource
    }

    /// Served by another process, or another part, behind an APIService.
    static func isAggregated(_ definition: ResourceDefinition) -> Bool {
        definition.resource.group == "metrics.k8s.io"
    }

    static func kind(_ definition: ResourceDefinition, _ strategy: any ResourceStrategy) -> ServedKind {
        let zero = definition.hasStatus ? try? definition.type?.decode(.emptyObject) : nil
        return ServedKind(
            resource: definition.resource, kind: definition.kind, isNamespaced: definition.isNamespaced,
            hasStatus: definition.hasStatus, countsGenerations: definition.countsGenerations,
            firstStatus: zero?["status"],
            keepsStatusOnCreate: definition.resource == .nodes,
            allowsCreateOnUpdate: definition.allowsCreateOnUpdate,
            allowsUnconditionalUpdate: definition.allowsUnconditionalUpdate,
            defaultPropagation: DeletionOptions.Propagation(rawValue: definition.defaultPropagation),
            strategy: strategy, validation: validation(definition))
    }

    private static func validation(_ definition: ResourceDefinition) -> any ObjectValidation {
        let validation = Validation(definition)
        return definition.resource == .customResourceDefinitions ? DefinitionValidation(validation) : validation
    }

    /// The rules of a built-in kind, from its table and written by hand.
    private struct Validation: ObjectValidation {
        let definition: ResourceDefinition
        init(_ definition: ResourceDefinition) { self.definition = definition }

        func validate(_ object: Value) -> [FieldError] { BuiltinValidation.validate(object, as: definition) }

        /// What was wrong before may stay so: the object was stored under older rules, perhaps by another server.
        func validate(_ object: Value, replacing current: Value, _ notes: AdmissionNotes) -> [FieldError] {
            let errors = validate(object)
            guard !errors.isEmpty else { return [] }
            let known = Set(validate(current))
            return errors.filter { !known.contains($0) }
        }

        func validateCreate(_ object: Value, asked: GroupVersionResource) -> [FieldError] {
            BuiltinValidation.validateCreate(object, as: definition, asked: asked)
        }

        func warnings(_ object: Value, replacing current: Value?) -> [String] {
            BuiltinWarnings.of(object, replacing: current, as: definition)
        }

        func validateUpdate(_ object: Value, over current: Value, asked: GroupVersionResource) -> [FieldError] {
            BuiltinValidation.validateUpdate(object, over: current, as: definition, asked: asked)
        }
    }
}
