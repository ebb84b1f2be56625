import API
import APIMachinery
import Support

/// Writes objects as the rows of `kubectl get` (`meta.k8s.io/v1.Table`).
struct TableForm: Sendable {
    private let renderer: TableRenderer
    private let format: ResponseFormat
    private let now: Timestamp

    init(
        _ definition: ResourceDefinition, _ format: ResponseFormat, subresource: String? = nil, now: Timestamp = .now
    ) {
        renderer = subresource == "scale" ? .scales : TableRenderer(definition)
        self.format = format
        self.now = now
    }

    /// `announcesColumns` is false for all but the first table of a watch: the columns stay the same.
    func table(of objects: [StoredObject], metadata: Value, announcesColumns: Bool = true) -> Value {
        var table = head(metadata)
        if !announcesColumns { table["columnDefinitions"] = .null }
        table["rows"] = .array(objects.map { row($0.wholeValue) })
        return table
    }

    /// A table without its rows.
    func head(_ metadata: Value) -> Value {
        [
            "apiVersion": .string("meta.k8s.io/" + format.metaVersion), "kind": "Table", "metadata": metadata,
            "columnDefinitions": .array(renderer.columnDefinitions),
        ]
    }

    func row(_ object: Value) -> Value {
        var row: Value = ["cells": .array(renderer.cells(of: object, now: now))]
        let conditions = renderer.conditions(of: object)
        if !conditions.isEmpty { row["conditions"] = .array(conditions) }
        switch format.tableContent {
        case .none: row["object"] = .null
        case .object: row["object"] = object
        case .metadata: row["object"] = ObjectEncoder.partial(object, format)
        }
        return row
    }
}
