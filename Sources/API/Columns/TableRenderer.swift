public import APIMachinery
public import Support

/// Turns objects of one resource into the rows of `kubectl get`.
///
/// Most cells are a path and a rendering rule of the resource's table; the others are functions
/// (`ComputedColumns`).
public struct TableRenderer: Sendable {
    private let columns: [ColumnDefinition]
    private let computed: [String: ComputedCell]
    private let isPod: Bool
    /// Addresses have an age that no column announces.
    private let hasExtraAge: Bool

    public init(_ definition: ResourceDefinition) {
        let name = definition.resource.groupResource
        // A column per measured resource cannot be announced before the objects are known.
        let announced = definition.columns.filter { !$0.name.hasPrefix("{") }
        columns = definition.columns.isEmpty
            ? Self.plain : announced.map { column in definition.type.map(column.countingFromZero) ?? column }
        computed = ComputedColumns.of(definition.resource)
        isPod = name == "pods"
        hasExtraAge = name == "ipaddresses.networking.k8s.io"
    }

    /// Of scales, whatever they are of: how many there shall be, and are.
    public static let scales = TableRenderer([
        ColumnDefinition(["name": "Name", "type": "string", "path": ".metadata.name"]),
        ColumnDefinition(["name": "Desired", "type": "integer", "path": ".spec.replicas"]),
        ColumnDefinition(["name": "Available", "type": "integer", "path": ".status.replicas"]),
        ColumnDefinition(["name": "Age", "type": "string", "path": ".metadata.creationTimestamp", "render": "age"]),
    ])

    private init(_ columns: [ColumnDefinition]) {
        self.columns = columns
        (computed, isPod, hasExtraAge) = ([:], false, false)
    }

    /// The columns of a resource that declares none.
    private static let plain = [
        ColumnDefinition(["name": "Name", "type": "string", "path": ".metadata.name"]),
        ColumnDefinition(["name": "Created At", "type": "date", "path": ".metadata.creationTimestamp"]),
    ]

    /// The `columnDefinitions` of a `Table`.
    public var columnDefinitions: [Value] {
        columns.map {
            [
                "name": .string($0.name), "type": .string($0.type), "format": .string($0.format),
                "description": $0.rule["description"] ?? .string($0.name), "priority": .integer(Int64($0.priority)),
            ]
        }
    }

    /// The `cells` of one row.
    public func cells(of object: Value, now: Timestamp) -> [Value] {
        var cells = columns.map { column in
            if let cell = computed[column.name] { return cell(object, now) }
            return column.cell(of: object, now: now)
        }
        if hasExtraAge { cells.append(ComputedColumns.age(object, now)) }
        return cells
    }

    /// The `conditions` of one row: pods that are done are marked so.
    public func conditions(of object: Value) -> [Value] {
        guard isPod, let phase = object.at("status", "phase")?.string,
            phase == "Succeeded" || phase == "Failed"
        else { return [] }
        return [
            [
                "type": "Completed", "status": "True", "reason": .string(phase),
                "message": .string(
                    phase == "Succeeded"
                        ? "The pod has completed successfully." : "The pod failed."),
            ]
        ]
    }
}

/// A cell that code makes, from the object and the present time.
typealias ComputedCell = @Sendable (Value, Timestamp) -> Value
