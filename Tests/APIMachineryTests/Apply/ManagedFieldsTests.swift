import Support
import Testing

@testable import APIMachinery

@Suite struct ManagedFieldsTests {
    private let list = #"""
        [{"apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}},"manager":"a","operation":"Apply","time":"2026-11-21T12:00:00Z"},{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:status":{".":{},"f:x":{}}},"manager":"k\"3s","operation":"Update","subresource":"status"}]
        """#

    @Test func `a list is written as it was read`() throws {
        let value = try Value(json: list)
        let record = ManagedFieldsRecord(try ManagedFields(value))
        #expect(record.value == value)
        #expect(try ManagedFieldsRecord(json: Array(list.utf8)) == record)
        #expect(record.managed == (try ManagedFields(value)))
    }

    @Test func `an object keeps its owners apart and shows them where they belong`() throws {
        let whole = #"{"metadata":{"labels":{"a":"1"},"managedFields":\#(list),"name":"n"},"spec":{}}"#
        let stored = try StoredObject(logged: Array(whole.utf8), revision: 7)
        #expect(
            String(decoding: stored.bytes, as: UTF8.self)
                == #"{"metadata":{"labels":{"a":"1"},"name":"n","resourceVersion":"7"},"spec":{}}"#)
        #expect(stored.wholeBytes == stored.wholeValue.json)
        #expect(
            String(decoding: stored.wholeBytes, as: UTF8.self)
                == #"{"metadata":{"labels":{"a":"1"},"managedFields":\#(list),"name":"n","resourceVersion":"7"},"spec":{}}"#)
        #expect(StoredObject(received: stored.wholeValue).wholeBytes == stored.wholeBytes)
        let bare = Array(#"{"metadata":{"labels":{"a":"1"},"name":"n"},"spec":{}}"#.utf8)
        #expect(try stored.managedFields.joined(to: bare) == Array(whole.utf8))
    }

    @Test(arguments: [#"{"managedFields":[]}"#, #"{"managedFields":[],"name":"n"}"#, #"{"a":1,"managedFields":[],"uid":"u"}"#])
    func `an object loses an empty list without a trace`(metadata: String) throws {
        let stored = try StoredObject(logged: Array(#"{"metadata":\#(metadata)}"#.utf8), revision: 7)
        var value = try Value(json: #"{"metadata":\#(metadata)}"#)
        value[path: ["metadata", "managedFields"]] = nil
        value[path: ["metadata", "resourceVersion"]] = "7"
        #expect(stored.bytes == value.json)
        #expect(stored.wholeBytes == value.json)
    }

    @Test func `objects of one making share what their owners own`() {
        func claim(_ ip: String) -> FieldClaim {
            FieldClaim.of(Array(#"{"fieldsV1":{"f:podIPs":{"k:{\"ip\":\"\#(ip)\"}":{".":{}}}},"manager":"k3s""#.utf8)[...])
        }
        let (first, second) = (claim("10.42.0.1"), claim("10.42.0.2"))
        #expect(first === claim("10.42.0.1"))
        #expect(first != second)
        #expect(second.size.shared < second.size.alone - 60)
        var bytes: [UInt8] = []
        second.append(to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"fieldsV1":{"f:podIPs":{"k:{\"ip\":\"10.42.0.2\"}":{".":{}}}},"manager":"k3s""#)
    }

    @Test func `what an owner keeps is written as if it were new`() throws {
        func entry(_ manager: String, _ field: String, at time: String) -> Value {
            [
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": [field: [:], "f:x": ["k:{\"a\":\"b\"}": [:]]],
                "manager": .string(manager), "operation": "Update", "time": .string(time),
            ]
        }
        let first = try ManagedFields([
            entry("a", "f:one", at: "2026-01-01T00:00:00Z"), entry("b", "f:two", at: "2026-01-01T00:00:01Z"),
        ])
        let old = ManagedFieldsRecord(first)
        #expect(old.managed == first)
        #expect(old.managed == first)
        var later = first
        later.mapFields { $0.owner.manager == "a" ? FieldSet([FieldPath("three")]) : nil }
        #expect(ManagedFieldsRecord(later, after: old) == ManagedFieldsRecord(later))
        #expect(ManagedFieldsRecord(later, after: old).managed == later)
        #expect(ManagedFieldsRecord(later, after: old).value != old.value)
    }

    @Test(arguments: [
        #"[{"manager":"a","operation":"Apply","apiVersion":"v1"}]"#,
        #"[{"manager":"a","operation":"Steal","apiVersion":"v1","fieldsType":"FieldsV1"}]"#,
        #"[{"manager":"a","operation":"Apply","fieldsType":"FieldsV1"}]"#,
        #"[{"operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"g:":{}}}]"#,
    ])
    func `a list that says nothing of use is refused`(text: String) throws {
        let value = try Value(json: text)
        #expect(throws: ManagedFieldsError.self) { try ManagedFields(value) }
    }

    @Test func `a long list is read in little time, the last of the same owner`() throws {
        let entry = { (manager: String, field: String) -> Value in
            [
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": [field: [:]], "manager": .string(manager),
                "operation": "Update",
            ]
        }
        let fields = try ManagedFields(.array((0..<20_000).map { entry("m\($0)", "f:a") } + [entry("m0", "f:b")]))
        #expect(fields.entries.count == 20_000)
        #expect(fields == (try ManagedFields(ManagedFieldsRecord(fields).value)))
        #expect(fields.entries.count { $0.fields == (try? FieldSet(fieldsV1: ["f:b": [:]])) } == 1)
    }
}
