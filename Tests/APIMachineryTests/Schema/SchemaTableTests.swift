import Testing

@testable import APIMachinery

@Suite struct SchemaTableTests {
    @Test func `types are found by name`() throws {
        let table = SampleSchema.table
        #expect(table.types.map(\.name) == ["Container", "Pod", "Source", "Volume"])
        #expect(table.type(named: "Volume")?.index == 3)
        #expect(table.type(named: "Volumes") == nil)
        #expect(table.type(named: "") == nil)
        #expect(!table.isProto3)
    }

    @Test func `fields are found by name and by number`() throws {
        let pod = try #require(SampleSchema.table.type(named: "Pod"))
        #expect(pod.fields.map(\.name) == ["age", "containers", "labels", "sharesHost", "tree", "volumes"])
        for field in pod.fields {
            #expect(pod.field(named: field.name)?.name == field.name)
            #expect(pod.field(number: field.number)?.name == field.name)
        }
        #expect(pod.wireFields.map(\.number) == [1, 2, 3, 5, 6, 90])
        #expect(pod.field(named: "label") == nil)
        #expect(pod.field(number: 4) == nil)
    }

    @Test func `a field tells what it was built with`() throws {
        let pod = try #require(SampleSchema.table.type(named: "Pod"))
        let containers = try #require(pod.field(named: "containers"))
        #expect(containers.flags == [.required, .patchMerge, .mapList])
        #expect(containers.patchMergeKey == "name")
        #expect(containers.listMapKeys == ["name", "role"])
        #expect(containers.listType == .map)
        guard case .list(let element) = containers.kind, case .object(let container) = element.kind else {
            Issue.record("containers are a list of objects")
            return
        }
        #expect(container.name == "Container")
        let role = try #require(container.field(named: "role"))
        #expect(role.enumValues == ["init", "main"])
        #expect(role.defaultValue == "main")
        #expect(role.constraints == ["maxLength": 9])
        #expect(role.protoName == "container_role")
        #expect(container.field(named: "name")?.protoName == "name")
        #expect(container.field(named: "name")?.defaultValue == nil)
    }

    @Test func `lists and maps nest`() throws {
        let tree = try #require(SampleSchema.table.type(named: "Pod")?.field(named: "tree"))
        guard case .map(let value) = tree.kind, case .list(let element) = value.kind,
            case .int64 = element.kind
        else {
            Issue.record("tree is a map of lists of numbers")
            return
        }
        #expect(value.flags == .wrappedList)
    }

    @Test func `an embedded struct is flat by name and nested on the wire`() throws {
        let volume = try #require(SampleSchema.table.type(named: "Volume"))
        #expect(volume.fields.map(\.name) == ["hostPath", "name"])
        #expect(volume.field(named: "hostPath")?.number == 0)
        let inline = try #require(volume.field(number: 2))
        #expect(inline.isInline)
        guard case .object(let source) = inline.kind else {
            Issue.record("the inline entry is an object")
            return
        }
        #expect(source.name == "Source")
        #expect(source.flags == .atomic)
        #expect(inline.isAtomic)
    }

    @Test func `a table in static memory reads the same`() {
        let bytes = SampleSchema.bytes
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 8)
        defer { block.deallocate() }
        // An odd address: nothing may rely on alignment.
        let odd = UnsafeMutableRawBufferPointer(rebasing: block[1...])
        odd.copyBytes(from: bytes)
        let table = SchemaTable(static: UnsafeRawBufferPointer(odd))
        #expect(table.types.map(\.name) == SampleSchema.table.types.map(\.name))
        #expect(table.type(named: "Pod") != SampleSchema.table.type(named: "Pod"))
    }
}

/// A small table with one of everything.
enum SampleSchema {
    static let bytes: [UInt8] = {
        var role = SchemaBuilder.Field("role", .string, number: 2)
        role.enumValues = ["init", "main"]
        role.defaultValue = "main"
        role.constraints = ["maxLength": 9]
        role.protoName = "container_role"
        var containers = SchemaBuilder.Field(
            "containers", .list(.init("", .object("Container"))), number: 2,
            flags: [.required, .patchMerge, .mapList])
        containers.patchMergeKey = "name"
        containers.listMapKeys = ["name", "role"]

        var builder = SchemaBuilder()
        builder.add(
            "Pod",
            [
                containers,
                .init("volumes", .list(.init("", .object("Volume"))), number: 1),
                .init("labels", .map(.init("", .string)), number: 90),
                .init("tree", .map(.init("", .list(.init("", .int64)), flags: .wrappedList)), number: 6),
                .init("age", .time, number: 5),
                .init("sharesHost", .bool, number: 3, flags: [.pointer, .omitEmpty]),
            ])
        builder.add("Container", [role, .init("name", .string, number: 1, flags: .required)])
        builder.add(
            "Volume",
            [
                .init("name", .string, number: 1, flags: .required), .init("hostPath", .string),
                .init("", .object("Source"), number: 2, flags: .inline),
            ])
        builder.add("Source", [.init("hostPath", .string, number: 1)], flags: .atomic)
        return builder.build()
    }()

    static let table = SchemaTable(bytes)
}
