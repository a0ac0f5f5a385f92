//! A fresh table, with the keys and the indexes of `template.yaml`, at the endpoint that the environment names.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use longshore_shell::store::{DynamoStore, keys};

/// A store on a table of its own for this case; `None`, with a word about it, when there is no endpoint.
pub(super) async fn store_for(case: &str) -> Option<DynamoStore> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration; the variable is documented in store_contract.rs"
    )]
    let Ok(endpoint) = std::env::var("LONGSHORE_TEST_DYNAMODB") else {
        println!("skipped for lack of an endpoint: LONGSHORE_TEST_DYNAMODB is not set");
        return None;
    };
    let client = client(&endpoint, &account(case));
    let table = "longshore-test".to_owned();
    // What an earlier run has left.
    let _ = client.delete_table().table_name(&table).send().await;
    create(&client, &table).await;
    Some(DynamoStore::new(client, table, format!("test-{case}")))
}

fn client(endpoint: &str, account: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(account, "test", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Twelve digits made of the case's name. Both emulators keep the tables of two access keys apart.
fn account(case: &str) -> String {
    let sum = case.bytes().fold(0_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    format!("{:012}", sum % 1_000_000_000_000)
}

async fn create(client: &Client, table: &str) {
    let index = |name: &str| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(name, KeyType::Hash))
            .key_schema(key(keys::ID, KeyType::Range))
            .projection(
                Projection::builder()
                    .projection_type(ProjectionType::KeysOnly)
                    .build(),
            )
            .build()
            .unwrap()
    };
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(text(keys::PK))
        .attribute_definitions(text(keys::SK))
        .attribute_definitions(text(keys::OPEN))
        .attribute_definitions(text(keys::BY_APP))
        .attribute_definitions(text(keys::ID))
        .key_schema(key(keys::PK, KeyType::Hash))
        .key_schema(key(keys::SK, KeyType::Range))
        .global_secondary_indexes(index(keys::OPEN))
        .global_secondary_indexes(index(keys::BY_APP))
        .send()
        .await
        .expect("the endpoint makes a table");
}

fn text(name: &str) -> AttributeDefinition {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .unwrap()
}
