import APIMachinery
import Support

/// At which nodes the memory of containers lies, as a node remembers it over a restart: in Kubernetes' file
/// and form.
struct MemoryCheckpoint: Hashable, Sendable {
    typealias Node = MemoryLedger.Node
    typealias Block = MemoryLedger.Block

    static let file = "memory_manager_state"

    var policy: String
    var nodes: [Int: Node]
    /// By pod and container.
    var assignments: [String: [String: [Block]]]

    init(policy: String, _ ledger: MemoryLedger) {
        self.policy = policy
        nodes = ledger.nodes
        assignments = ledger.assignments
    }

    /// Fails with `corrupt` for what is no such file, or was changed since it was written.
    init(json: [UInt8]) throws(Fault) {
        guard let value = try? Value(json: json), let policy = value["policyName"]?.string else {
            throw Self.unreadable
        }
        self.policy = policy
        (nodes, assignments) = ([:], [:])
        for (number, node) in value["machineState"]?.fields ?? Fields() {
            guard let number = Int(number) else { throw Self.unreadable }
            var tables: [String: MemoryLedger.Table] = [:]
            for (name, table) in node["memoryMap"]?.fields ?? Fields() {
                tables[name] = MemoryLedger.Table(
                    total: table["total"]?.integer ?? 0,
                    systemReserved: table["systemReserved"]?.integer ?? 0,
                    allocatable: table["allocatable"]?.integer ?? 0,
                    reserved: table["reserved"]?.integer ?? 0,
                    free: table["free"]?.integer ?? 0)
            }
            nodes[number] = Node(
                assignments: Int(node["numberOfAssignments"]?.integer ?? 0), memory: tables,
                group: Self.numbers(node["cells"]))
        }
        for (pod, containers) in value["entries"]?.fields ?? Fields() {
            for (container, blocks) in containers.fields ?? Fields() {
                assignments[pod, default: [:]][container] = (blocks.array ?? []).map { block in
                    Block(
                        nodes: Self.numbers(block["numaAffinity"]), type: block["type"]?.string ?? "",
                        size: block["size"]?.integer ?? 0)
                }
            }
        }
        let sum = value["checksum"]?.integer ?? 0
        guard sum == 0 || sum == Int64(checksum) else { throw Self.unreadable }
    }

    private static var unreadable: Fault {
        Fault(
            .corrupt, "the file \(file) is damaged",
            remedy: "drain the node and remove the file \(file) in the kubelet's folder")
    }

    private static func numbers(_ value: Value?) -> [Int] {
        (value?.array ?? []).compactMap { $0.integer.map { Int($0) } }
    }

    var json: [UInt8] {
        let machine = nodes.sorted { $0.key < $1.key }.map { number, node -> (String, Value) in
            let tables = node.memory.sorted { $0.key < $1.key }.map { name, table -> (String, Value) in
                (
                    name,
                    [
                        "total": .integer(table.total), "systemReserved": .integer(table.systemReserved),
                        "allocatable": .integer(table.allocatable), "reserved": .integer(table.reserved),
                        "free": .integer(table.free),
                    ]
                )
            }
            return (
                "\(number)",
                [
                    "numberOfAssignments": .integer(Int64(node.assignments)),
                    "memoryMap": .object(Fields(tables)),
                    "cells": .array(node.group.map { .integer(Int64($0)) }),
                ]
            )
        }
        var value: Value = ["policyName": .string(policy), "machineState": .object(Fields(machine))]
        let entries = assignments.sorted { $0.key < $1.key }.map { pod, containers -> (String, Value) in
            let lists = containers.sorted { $0.key < $1.key }.map { name, blocks -> (String, Value) in
                (name, .array(blocks.map(Self.value)))
            }
            return (pod, .object(Fields(lists)))
        }
        if !entries.isEmpty { value["entries"] = .object(Fields(entries)) }
        value["checksum"] = .integer(Int64(checksum))
        return value.json
    }

    private static func value(_ block: Block) -> Value {
        [
            "numaAffinity": .array(block.nodes.map { .integer(Int64($0)) }), "type": .string(block.type),
            "size": .integer(block.size),
        ]
    }

    /// Over the data as Go prints its types.
    private var checksum: UInt32 {
        func list(_ items: some Sequence<String>) -> String { "[" + items.joined(separator: " ") + "]" }
        let machine = nodes.sorted { $0.key < $1.key }.map { number, node in
            let tables = node.memory.sorted { $0.key < $1.key }.map { name, table in
                "\(name):<*>{TotalMemSize:(uint64)\(table.total) SystemReserved:(uint64)\(table.systemReserved) "
                    + "Allocatable:(uint64)\(table.allocatable) Reserved:(uint64)\(table.reserved) "
                    + "Free:(uint64)\(table.free)}"
            }
            return "\(number):<*>{NumberOfAssignments:(int)\(node.assignments) "
                + "MemoryMap:(map[v1.ResourceName]*state.MemoryTable)map\(list(tables)) "
                + "Cells:([]int)\(list(node.group.map { "\($0)" }))}"
        }
        let entries = assignments.sorted { $0.key < $1.key }.map { pod, containers in
            let lists = containers.sorted { $0.key < $1.key }.map { name, blocks in
                let printed = blocks.map { block in
                    "{NUMAAffinity:([]int)\(list(block.nodes.map { "\($0)" })) Type:(v1.ResourceName)\(block.type) "
                        + "Size:(uint64)\(block.size)}"
                }
                return "\(name):\(list(printed))"
            }
            return "\(pod):map\(list(lists))"
        }
        return CheckpointSum.of(
            "(*state.MemoryManagerCheckpoint){PolicyName:(string)\(policy) "
                + "MachineState:(state.NUMANodeMap)map\(list(machine)) "
                + "Entries:(state.ContainerMemoryAssignments)map\(list(entries)) Checksum:(checksum.Checksum)0}"
        )
    }
}
