"""How records come from Kafka. `loop` polls and hands batches over, `offsets` knows where each partition stands, `rescue`
deals with what cannot be read, and `patches` holds all that reaches into aiokafka's private parts.

Nothing here knows of FastStream, which starts and stops the loop (`conduit_chassis.broker`).
"""
