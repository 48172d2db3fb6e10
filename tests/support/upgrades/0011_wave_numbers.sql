UPDATE orders SET wave_number = 'WAVE-2024-00123' WHERE order_id = 'ORD-received';
