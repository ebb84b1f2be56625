import API
import APIMachinery
import Support

/// Writes objects as the rows of `kubectl get` (`meta.k8s.io/v1.Table`).
struct TableForm: Sendable {
    private let renderer: TableRenderer
    private let content: ResponseFormat.TableContent

    init(_ definition: ResourceDefinition, _ content: ResponseFormat.TableContent) {
        renderer = TableRenderer(definition)
        self.content = content
    }

    func encode(_ objects: [StoredObject], metadata: Value, now: Timestamp = .now) -> Value {
        [
            "apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": metadata,
            "columnDefinitions": .array(renderer.columnDefinitions),
            "rows": .array(objects.map { row($0.value, now) }),
        ]
    }

    private func row(_ object: Value, _ now: Timestamp) -> Value {
        var row: Value = ["cells": .array(renderer.cells(of: object, now: now))]
        let conditions = renderer.conditions(of: object)
        if !conditions.isEmpty { row["conditions"] = .array(conditions) }
        switch content {
        case .none: break
        case .object: row["object"] = object
        case .metadata: row["object"] = ObjectEncoder.partial(object)
        }
        return row
    }
}
