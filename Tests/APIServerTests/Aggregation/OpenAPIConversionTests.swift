import APIMachinery
import Testing

@testable import APIServer

@Suite struct OpenAPIConversionTests {
    private static let old: Value = [
        "swagger": "2.0", "info": ["title": "ext", "version": "1"], "x-kept": 1, "produces": ["application/json"],
        "definitions": [
            "Thing": [
                "type": "object", "x-kubernetes-group-version-kind": [["kind": "Thing"]],
                "properties": [
                    "next": ["$ref": "#/definitions/Thing"], "all": ["type": "array", "items": ["$ref": "#/definitions/Thing"]],
                    // A field that has this name is no reference.
                    "$ref": ["type": "string"],
                ],
            ]
        ],
        "parameters": ["pretty": ["name": "pretty", "in": "query", "type": "string", "uniqueItems": true]],
        "securityDefinitions": ["token": ["type": "apiKey", "in": "header", "name": "authorization"]],
        "paths": [
            "/apis/ext/v1/things/{name}": [
                "parameters": [["$ref": "#/parameters/pretty"]],
                "put": [
                    "operationId": "replace", "consumes": ["application/json", "application/yaml"],
                    "x-kubernetes-action": "put", "schemes": ["https"],
                    "parameters": [
                        [
                            "name": "body", "in": "body", "required": true, "description": "The thing.",
                            "schema": ["$ref": "#/definitions/Thing"],
                        ],
                        [
                            "name": "sizes", "in": "query", "type": "array", "items": ["type": "integer"],
                            "collectionFormat": "multi",
                        ],
                    ],
                    "responses": [
                        "200": ["description": "OK", "schema": ["$ref": "#/definitions/Thing"]], "401": ["description": "No"],
                    ],
                ],
            ]
        ],
    ]

    @Test func `everything has its place in the other version`() throws {
        let thing: Value = ["$ref": "#/components/schemas/Thing"]
        let new = OpenAPIConversion.convert(Self.old)
        #expect(new["openapi"] == "3.0.0")
        #expect(new["swagger"] == nil)
        #expect(new["info"] == Self.old["info"])
        #expect(new["x-kept"] == 1)
        #expect(
            new["components"] == [
                "schemas": [
                    "Thing": [
                        "type": "object", "x-kubernetes-group-version-kind": [["kind": "Thing"]],
                        "properties": [
                            "next": thing, "all": ["type": "array", "items": thing], "$ref": ["type": "string"],
                        ],
                    ]
                ],
                "parameters": [
                    "pretty": ["name": "pretty", "in": "query", "schema": ["type": "string", "uniqueItems": true]]
                ],
                "securitySchemes": ["token": ["type": "apiKey", "in": "header", "name": "authorization"]],
            ])
        let path = try #require(new.at("paths", "/apis/ext/v1/things/{name}"))
        #expect(path["parameters"] == [["$ref": "#/components/parameters/pretty"]])
        #expect(
            path["put"] == [
                "operationId": "replace", "x-kubernetes-action": "put",
                "parameters": [
                    [
                        "name": "sizes", "in": "query", "explode": true,
                        "schema": ["type": "array", "items": ["type": "integer"]],
                    ]
                ],
                "requestBody": [
                    "description": "The thing.", "required": true,
                    "content": ["application/json": ["schema": thing], "application/yaml": ["schema": thing]],
                ],
                "responses": [
                    "200": ["description": "OK", "content": ["application/json": ["schema": thing]]],
                    "401": ["description": "No"],
                ],
            ])
    }

    @Test func `what says little is converted all the same`() {
        #expect(OpenAPIConversion.convert([:]) == ["openapi": "3.0.0", "paths": [:], "components": [:]])
        #expect(OpenAPIConversion.convert(["paths": ["/a": "b"], "definitions": 3])["paths"] == ["/a": [:]])
    }
}
