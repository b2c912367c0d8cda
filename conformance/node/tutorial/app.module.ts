import { Module } from '@nestjs/common';
import { AuthzModule } from './authz.module';
import { ItemsController } from './items.controller';

@Module({
  imports: [AuthzModule],
  controllers: [ItemsController],
})
export class AppModule {}
